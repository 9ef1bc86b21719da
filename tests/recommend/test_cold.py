"""New items: the map finds which words matter to behaviour, and places what nobody had, known at training or come later."""

import numpy as np
import pytest
import scipy.sparse as sp
from tests.recommend.worlds import NOW, adds_up, ids, item, past, shop, train

from aisle.tasks.recommend import cold, content
from aisle.types import Item, Money


def makers(later: bool = False):
    """Two tastes that only the maker tells apart; colours say nothing. Two items are new, one of each maker."""
    rng = np.random.default_rng(3)
    colours = ["red", "blue", "green", "black", "white"]
    both = ("ann", "bob")
    items = [item(f"{one}{k}", f"{colours[k % 5]} thing", "Shop > Things", brand=one) for one in both for k in range(15)]
    new = [item(f"{maker}-new", "red thing", "Shop > Things", brand=maker) for maker in ("ann", "bob")]
    events = []
    for user in range(60):
        maker = ("ann", "bob")[user % 2]
        events += [(f"u{user}", f"{maker}{k}", day, "purchase") for day, k in enumerate(rng.choice(15, 6, replace=False))]
    return shop(items if later else items + new, events), new


@pytest.mark.parametrize("algorithm", ["item_neighbours", "sequence_neighbours", "ease", "blend"])
@pytest.mark.parametrize("later", [False, True])
def test_a_new_item_goes_to_those_whose_behaviour_its_words_predict(algorithm, later):
    data, new = makers(later)
    trained = train(data, algorithm=algorithm, held_out_users=0)
    trained.catalogue.put(new)
    right = 0
    for user in range(20):
        answer = trained.ask("for_user", user_id=f"u{user}", n=2, filter={"include": ["ann-new", "bob-new"]}, explain="full")
        right += ids(answer)[0] == f"{('ann', 'bob')[user % 2]}-new"
        assert adds_up(answer)
    assert right == 20


def test_a_new_item_does_not_crowd_out_what_is_known_to_be_liked():
    data, _ = makers()
    trained = train(data, held_out_users=0)
    for user in range(20):
        shown = ids(trained.ask("for_user", user_id=f"u{user}", n=5))
        assert sum(one.endswith("-new") for one in shown) <= 1


def test_the_map_gives_back_a_linear_world():
    rng = np.random.default_rng(0)
    rows = sp.csr_array((rng.random((400, 30)) < 0.2).astype(np.float32))
    truth = rng.standard_normal((30, 4)).astype(np.float32)
    found = cold.ridge(rows, rows @ truth)
    exact = np.linalg.solve((rows.T @ rows).toarray() + cold.RIDGE * np.eye(30), rows.T @ (rows @ truth))
    assert np.abs(found - exact).max() < 1e-3


def test_behaviour_vectors_are_those_of_the_plain_decomposition():
    rng = np.random.default_rng(1)
    tastes = np.repeat(np.eye(8), 5, axis=1)[rng.integers(8, size=200)]  # eight kinds of five items
    liked = sp.csr_array((rng.random((200, 40)) < 0.05 + 0.6 * tastes).astype(np.float64))
    counts = np.bincount(liked.indices, minlength=40)
    found = cold.behaviour(liked, counts, 8)
    dense = liked.toarray() / np.sqrt(counts + cold.DAMPING)
    _, values, turn = np.linalg.svd(dense, full_matrices=False)
    plain = cold.unit((turn[:8].T * values[:8]).astype(np.float32))
    assert np.abs(found @ found.T - plain @ plain.T).max() < 0.1
    assert np.allclose(np.linalg.norm(found, axis=1), 1.0, atol=1e-5)


def test_prices_fall_into_bands_and_none_into_no_band():
    items = [item("a"), Item(item_id="b", title="b", price=Money(100_000, "EUR"))]
    plain = Item(item_id="c", title="c")
    rows = content.read([*items, plain]).rows
    bands = cold.features([*items, plain], rows)[:, rows.shape[1] :].toarray()
    assert bands.astype(bool).sum(axis=1).tolist() == [1, 1, 0] and bands[0].argmax() < bands[1].argmax()


def test_vectors_of_other_tasks_place_items_that_words_cannot():
    """Titles and brands are all alike; only the picture tells the two kinds apart."""
    rng = np.random.default_rng(5)
    items = [item(f"i{k}", "thing", "Shop > Things") for k in range(32)]
    events = [
        (f"u{user}", f"i{k}", day, "purchase")
        for user in range(60)
        for day, k in enumerate(2 * rng.choice(15, 6, replace=False) + user % 2)
    ]
    events.append(("u0", "sold-out-long-ago", 1, "purchase"))  # the catalogue does not have it
    data = shop(items, events)
    looks = {
        f"i{k}": np.array([1.0, 0.1 * rng.random()] if k % 2 else [0.1 * rng.random(), 1.0], "<f4").tobytes() for k in range(32)
    }
    data.spaces["image"] = looks
    trained = train(data, held_out_users=0)
    for user in range(10):
        answer = trained.ask("for_user", user_id=f"u{user}", n=2, filter={"include": ["i30", "i31"]})
        assert ids(answer)[0] == ("i30", "i31")[user % 2]


def test_without_behaviour_nothing_is_mapped_and_text_still_serves():
    trained = train(shop([item("a", "red lamp"), item("b", "red lamp"), item("c", "pot")], []))
    assert trained.engine.model.kin is None
    assert ids(trained.ask("for_user", user_id="x", events=past(("a", "view"), now=NOW), n=1)) == ["b"]
