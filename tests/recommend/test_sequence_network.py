"""The network that learns interest: what it learns, that it is served as it was trained, and that its reasons are true."""

from __future__ import annotations

import math
import sys
from itertools import pairwise

import numpy as np
import pytest
from msgspec.structs import replace as changed
from tests.recommend.worlds import NOW, adds_up, ids, item, missing, past, shop, train, two_tastes

from aisle.errors import Misconfigured
from aisle.kit.catalogue import Catalogue
from aisle.tasks.recommend import TASK
from aisle.tasks.recommend.held_out import at_length
from aisle.tasks.recommend.schema import Config
from aisle.tasks.recommend.scoring import limited
from aisle.tasks.recommend.sequence import learn
from aisle.tasks.recommend.sequence.learn import reduced
from aisle.tasks.recommend.sequence.served import contributions, follow, served_from

AROUND = 12  # items of the circle


def circle(users: int = 60, steps: int = 6, **more):
    """Everybody walks around the same circle of items, from somewhere: after k comes k + 1."""
    rng = np.random.default_rng(0)
    events = [
        (f"u{user}", f"i{(start + step) % AROUND}", step + user / 1000, "view")
        for user, start in enumerate(rng.integers(0, AROUND, users).tolist())
        for step in range(steps)
    ]
    return shop([item(f"i{k}", f"article {'abcdefghijkl'[k]}") for k in range(AROUND)], events, **more)


SMALL = {"algorithm": "sequence", "sequence_dimensions": 16, "sequence_epochs": 40, "held_out_users": 0}


@pytest.fixture(scope="module")
def walked():
    pytest.importorskip("torch")
    return train(circle(), **SMALL)


def test_what_comes_next_in_the_circle_is_first(walked):
    for start in range(AROUND):
        mine = past(*((f"i{(start + step) % AROUND}", "view") for step in (2, 1, 0)))
        assert ids(walked.ask("for_user", user_id="new", n=1, events=mine))[0] == f"i{(start + 3) % AROUND}"


def test_a_new_event_changes_the_next_answer(walked):
    before = walked.ask("for_user", user_id="new", n=1, events=past(("i3", "view"), ("i2", "view")))
    after = walked.ask("for_user", user_id="new", n=1, events=past(("i4", "view"), ("i3", "view"), ("i2", "view")))
    assert ids(before) == ["i4"] and ids(after) == ["i5"]


def test_the_order_of_the_same_events_matters(walked):
    one = walked.ask("for_user", user_id="new", n=5, events=past(("i3", "view"), ("i2", "view"), ("i1", "view")))
    other = walked.ask("for_user", user_id="new", n=5, events=past(("i1", "view"), ("i2", "view"), ("i3", "view")))
    assert [found.score for found in one.items] != [found.score for found in other.items]


def test_reasons_are_the_users_own_events_and_add_up(walked):
    answer = walked.ask("for_user", user_id="new", n=4, events=past(("i3", "purchase"), ("i2", "view")), explain="full")
    assert adds_up(answer)
    said = {reason.item_id for reason in answer.items[0].reasons}
    assert said == {"i2", "i3"} and answer.items[0].reasons[0].text == "because you bought article d"
    assert adds_up(walked.ask("for_user", user_id="new", n=4, events=past(("i3", "view"), ("i2", "view"))))


def test_what_was_only_shown_is_no_step(walked):
    plain = walked.ask("for_user", user_id="new", n=3, events=past(("i3", "view"), ("i2", "view")))
    noise = past(("i8", "impression"), ("i3", "view"), ("i7", "remove_from_cart"), ("i2", "view"))
    assert walked.ask("for_user", user_id="new", n=3, events=noise).items[0] == plain.items[0]


def test_a_batch_has_the_bits_of_single_requests(walked):
    asked = [{"user_id": f"u{user}", "n": 5, "explain": "full"} for user in range(20)]
    assert walked.batch("for_user", asked) == [walked.batch("for_user", [one])[0] for one in asked]


def test_a_user_without_events_is_served_all_the_same(walked):
    answer = walked.ask("for_user", user_id="nobody", n=3)
    assert answer.strategy == "cold" and len(answer.items) == 3


def test_the_same_seed_gives_the_same_files_and_another_seed_others(tmp_path):
    pytest.importorskip("torch")
    found = []
    for number, seed in enumerate((1, 1, 2)):
        folder = tmp_path / str(number)
        folder.mkdir()
        config = Config(algorithm="sequence", sequence_dimensions=8, sequence_epochs=2, sequence_seed=seed, held_out_users=0)
        TASK.fit(circle(), config, folder, lambda *step: None)
        found.append({file.name: file.read_bytes() for file in folder.iterdir()})
    assert found[0] == found[1] and found[0] != found[2]


def test_sets_without_order_are_learnt_too():
    pytest.importorskip("torch")
    trained = train(two_tastes(users=120), **SMALL)
    found = [ids(trained.ask("for_user", user_id=f"u{user}", n=1)) == [missing(user)] for user in range(120)]
    assert sum(found) >= 90  # of six that it could be; chance would be 20


# ---- new items -------------------------------------------------------------------------------------------------


def kinds():
    """Users stay with lamps or with pots; one of each has never been met."""
    rng = np.random.default_rng(1)
    names = [*(("lamp", k) for k in range(8)), *(("pot", k) for k in range(8))]
    items = [item(f"{kind}{k}", f"{kind} of {kind} works", f"Home > {kind}") for kind, k in names]
    events = []
    for user in range(60):
        kind = ("lamp", "pot")[user % 2]
        events += [
            (f"u{user}", f"{kind}{k}", place + user / 1000, "view") for place, k in enumerate(rng.permutation(7)[:5].tolist())
        ]
    return shop(items, events)  # lamp7 and pot7 are in nobody's history


@pytest.fixture(scope="module")
def placed():
    pytest.importorskip("torch")
    return train(kinds(), **{**SMALL, "sequence_epochs": 80})


def test_an_item_nobody_has_met_is_placed_by_its_text(placed):
    for kind, other in (("lamp", "pot"), ("pot", "lamp")):
        mine = past((f"{kind}1", "view"), (f"{kind}2", "view"))
        found = ids(placed.ask("for_user", user_id="new", n=15, events=mine))
        assert found.index(f"{kind}7") < found.index(f"{other}7")


def test_an_item_that_came_after_training_is_placed_by_its_text(placed):
    more = item("lamp99", "lamp of lamp works", "Home > lamp")
    placed.catalogue, before = Catalogue([*placed.data.catalogue, more]), placed.catalogue
    answer = placed.ask("for_user", user_id="new", n=20, events=past(("lamp1", "view"), ("lamp2", "view")), explain="full")
    placed.catalogue = before
    own = {one.item_id: one for one in answer.items}
    assert own["lamp99"].score > 0 and own["lamp99"].reasons[0].kind == "content"
    assert ids(answer).index("lamp99") < ids(answer).index("pot7")


def test_texts_of_any_shape_are_reduced():
    from scipy.sparse import csr_array

    rng = np.random.default_rng(0)
    for shape in ((1, 4), (3, 1), (5, 300), (300, 200)):
        rows = csr_array(rng.random(shape) * (rng.random(shape) < 0.3))
        terms = reduced(rows, 16)
        assert terms.shape[0] == shape[1] and terms.shape[1] <= 16 and np.isfinite(terms).all()
        assert np.array_equal(terms, reduced(rows, 16))


# ---- as trained, so served -------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=[(8, 1, 1), (32, 2, 2), (24, 3, 3)], ids=str)
def both(request):
    """A network with random weights, in torch and as served."""
    torch = pytest.importorskip("torch")
    from aisle.tasks.recommend.sequence.net import Net, Size, arrays

    dimensions, blocks, heads = request.param
    torch.manual_seed(0)
    net = Net(Size(30, 0, 20, dimensions, blocks, heads)).eval()
    for weight in net.parameters():
        weight.data += 0.3 * torch.randn_like(weight)
    weights = arrays(net)
    return net, served_from(weights, weights["own"], np.zeros((0, dimensions), np.float32))


@pytest.mark.parametrize("length", [1, 2, 7, 20])
def test_numpy_is_torch_stage_by_stage(both, length):
    import torch

    from aisle.tasks.recommend.sequence.served import _block

    net, served = both
    history = np.random.default_rng(length).integers(0, 30, length)
    with torch.no_grad():
        vectors = net.vectors()
        x = torch.nn.functional.embedding(torch.from_numpy(history)[None], vectors) * math.sqrt(vectors.shape[1])
        mine = served.inputs[history]
        assert np.abs(mine - x[0].numpy()).max() <= 1e-4
        for block, layer in zip(net.blocks, served.layers, strict=True):
            x, mine = block(x), _block(layer, mine, newest_only=False)[0]
            assert np.abs(mine - x[0].numpy()).max() <= 1e-4
        logits = (net.last(x)[0, -1] @ vectors.T).numpy()
        assert np.allclose(net(torch.from_numpy(history)[None], vectors)[0, -1].numpy(), net.last(x)[0, -1].numpy(), atol=1e-5)
    scores = served.outputs @ follow(served, served.inputs[history]).last
    assert np.abs(scores - (logits - logits.mean())).max() <= 1e-4


def test_padding_at_the_end_changes_nothing(both):
    import torch

    net, _ = both
    with torch.no_grad():
        alone = net(torch.tensor([[3, 4, 5]]), net.vectors())
        padded = net(torch.tensor([[3, 4, 5, 0, 0], [1, 2, 3, 4, 5]]), net.vectors())
    assert torch.allclose(alone[0], padded[0, :3], atol=1e-5)


def test_contributions_are_the_gradient_with_attention_gates_and_norms_held_fixed(both):
    """The slow obvious version: torch's own gradient of a forward pass in which these are constants."""
    import torch
    from torch.nn.functional import silu

    net, served = both
    history = [3, 4, 5, 4, 9]
    events = torch.from_numpy(served.inputs[history]).requires_grad_()

    def normed(norm, x):
        return x * (x.square().mean(-1, keepdim=True) + 1e-6).rsqrt().detach() * norm.weight

    x = events[None]
    for block in net.blocks:
        attention, gated = block.attention, block.gated
        parts = attention.inputs(normed(block.before_attention, x)).view(1, len(history), 3, attention.heads, -1).transpose(1, 3)
        query, key, value = parts.unbind(2)
        logits = query @ key.transpose(-1, -2) * query.shape[-1] ** -0.5 + attention.bias(len(history))
        x = x + attention.output((logits.softmax(-1).detach() @ value).transpose(1, 2).reshape(x.shape))
        gate, proposal = gated.inputs(normed(block.before_gated, x)).chunk(2, -1)
        x = x + gated.output(silu(gate).detach() * proposal)
    vectors = net.vectors()
    score = normed(net.last, x)[0, -1] @ (vectors[7] - vectors.mean(0))
    score.backward()
    given = contributions(served, follow(served, served.inputs[history]), served.outputs[[7]])
    assert np.abs(given[0] - (events.grad * events).sum(-1).detach().numpy()).max() <= 1e-4
    assert given.sum() == pytest.approx(float(score.detach()), abs=1e-4)


# ---- training --------------------------------------------------------------------------------------------------


def test_the_loss_in_parts_is_torchs_cross_entropy(monkeypatch):
    torch = pytest.importorskip("torch")
    from aisle.tasks.recommend.sequence import net

    monkeypatch.setattr(net, "NARROW", torch.float32)
    torch.manual_seed(0)
    states, vectors = torch.randn(1100, 8, requires_grad=True), torch.randn(40, 8, requires_grad=True)
    target = torch.randint(0, 40, (1100,))
    for sample in (None, torch.randperm(40)):
        loss = net.softmax_loss(states, vectors, target, sample)
        found = torch.autograd.grad(loss, (states, vectors))
        right = torch.nn.functional.cross_entropy(states @ vectors.T, target)
        wanted = torch.autograd.grad(right, (states, vectors))
        assert float(loss.detach()) == pytest.approx(float(right.detach()), rel=1e-5)
        assert all(torch.allclose(one, other, atol=1e-6) for one, other in zip(found, wanted, strict=True))


def test_the_expected_denominator_of_a_sample_is_the_whole_one(monkeypatch):
    torch = pytest.importorskip("torch")
    from aisle.tasks.recommend.sequence import net

    monkeypatch.setattr(net, "NARROW", torch.float32)
    torch.manual_seed(0)
    state, vectors, target = torch.randn(1, 8) * 0.3, torch.randn(40, 8), torch.tensor([5])
    own = float(torch.exp(state @ vectors[5]))
    whole = float(torch.exp(state @ vectors.T).sum())
    losses = torch.stack([net.softmax_loss(state, vectors, target, torch.randperm(40)[:10]) for _ in range(3000)])
    assert float((losses.exp() * own).mean()) == pytest.approx(whole, rel=0.02)


def test_every_event_but_the_first_is_asked_for_once():
    pytest.importorskip("torch")
    from aisle.tasks.recommend.sequence.train import Histories, batches, padded

    histories = Histories.of(np.repeat([2, 3, 7, 9], [1, 5, 12, 40]), np.arange(58))
    found = []
    for spans in batches(histories, 10, 30, np.random.default_rng(0)):
        inputs, real, target = padded(histories.item, spans)
        assert inputs.shape[1] <= 10 and inputs.numel() <= 40
        assert np.array_equal(inputs.flatten()[real].numpy() + 1, target.numpy())  # items count on: the next one comes next
        found += target.tolist()
    firsts = set(histories.start[:-1].tolist())
    assert sorted(found) == [event for event in range(58) if event not in firsts]


def test_the_rate_rises_and_ends_low_however_the_run_ends():
    pytest.importorskip("torch")
    from aisle.tasks.recommend.sequence.train import LEAST_RATE, WARM_UP, pace

    rates = [pace(done) for done in np.linspace(0, 1, 200)]
    assert rates[0] < 0.05 and max(rates) <= 1 and rates[-1] == pytest.approx(LEAST_RATE)
    late = [rate for rate, done in zip(rates, np.linspace(0, 1, 200), strict=True) if done > WARM_UP]
    assert all(one >= other for one, other in pairwise(late))


def test_the_clock_ends_a_run_with_a_model():
    pytest.importorskip("torch")
    trained = train(circle(), **{**SMALL, "sequence_epochs": 1000, "sequence_minutes": 0.01})
    assert ids(trained.ask("for_user", user_id="new", n=1, events=past(("i3", "view"), ("i2", "view")), now=NOW))


def test_progress_says_how_long_it_will_take(walked):
    said = [message for _, _, message in walked.progress if message.startswith("sequence: ")]
    assert said and all("left" in message for message in said)


# ---- beside others ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def mixed():
    pytest.importorskip("torch")
    return train(circle(), **SMALL | {"algorithm": "blend", "blend_of": ["sequence", "item_neighbours"]})


def test_a_blend_may_ask_the_network_and_says_what_every_event_gave(mixed):
    parts = [part.config.algorithm for part in mixed.engine.model.blend.parts]
    assert sorted(parts) == ["item_neighbours", "sequence"]
    for start in range(AROUND):
        mine = past(*((f"i{(start + step) % AROUND}", "view") for step in (2, 1, 0)))
        found = mixed.ask("for_user", user_id="new", n=5, events=mine, explain="full")
        assert ids(found)[0] == f"i{(start + 3) % AROUND}" and adds_up(found)
        assert all(reason.contribution > 0 for one in found.items for reason in one.reasons)


def test_beside_others_a_logit_counts_as_the_chance_it_stands_for(walked, mixed):
    mine = past(("i4", "view"), ("i3", "view"))
    alone = {one.item_id: one.score for one in walked.ask("for_user", user_id="new", n=3, events=mine).items}
    weights = mixed.engine.model.blend.weights.copy()
    number = [part.config.algorithm for part in mixed.engine.model.blend.parts].index("sequence")
    try:
        mixed.engine.model.blend.weights[:] = np.eye(len(weights))[number]
        found = {one.item_id: one.score for one in mixed.ask("for_user", user_id="new", n=3, events=mine).items}
    finally:
        mixed.engine.model.blend.weights[:] = weights
    assert list(found) == list(alone)
    top = max(alone.values())
    for name, score in found.items():
        assert score == pytest.approx(math.exp(alone[name] - top), rel=1e-4)


def test_a_blend_with_a_network_is_loaded_as_it_was_saved(tmp_path):
    pytest.importorskip("torch")
    config = Config(**SMALL | {"algorithm": "blend", "blend_of": ["sequence", "item_neighbours"], "sequence_epochs": 2})
    TASK.fit(circle(), config, tmp_path, lambda *step: None)
    first = TASK.load(tmp_path).model
    network = next(part.network for part in first.blend.parts if part.config.algorithm == "sequence")
    assert (network.outputs == np.load(tmp_path / "sequence_outputs.npy")).all()
    assert all(part.network is None for part in first.blend.parts if part.config.algorithm != "sequence")


def test_what_is_chosen_learns_for_the_whole_time_and_what_is_set_for_as_long_as_it_is_set():
    config = Config(auto_seconds=30)
    tried = limited(config, "sequence", 4.0)
    assert tried.sequence_minutes == pytest.approx(4 / 60)
    assert at_length(tried, config).sequence_minutes == 0.5
    assert at_length(tried, changed(config, sequence_minutes=0.25)).sequence_minutes == 0.25
    assert limited(config, "ease", 4.0).sequence_minutes == config.sequence_minutes
    assert at_length(changed(config, algorithm="ease"), config) == changed(config, algorithm="ease")


# ---- without torch ---------------------------------------------------------------------------------------------


def test_without_torch_training_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(Misconfigured, match=r"pip install 'aisle\[train\]'.*sequence_neighbours"):
        train(circle(), **SMALL)


def test_without_torch_auto_and_the_evaluation_leave_it_out(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "torch", None)
    TASK.fit(circle(), Config(algorithm="auto"), tmp_path, lambda *step: None)
    assert "sequence needs torch" in (tmp_path / "about.json").read_text("utf-8")
    monkeypatch.setattr(learn, "FEWEST", 100)
    rows = TASK.evaluate(circle(), Config(), "", lambda *step: None)
    assert rows and "sequence" not in {row["model"] for row in rows}


def test_auto_tries_it_where_there_is_torch_and_enough_to_learn_from(tmp_path, monkeypatch):
    pytest.importorskip("torch")
    few = TASK.fit(circle(), Config(algorithm="auto"), tmp_path, lambda *step: None)
    assert "sequence ndcg@10" not in few
    monkeypatch.setattr(learn, "FEWEST", 100)
    scores = TASK.fit(circle(), Config(algorithm="auto", auto_seconds=30), tmp_path, lambda *step: None)
    assert "sequence ndcg@10" in scores
    none = TASK.fit(circle(), Config(algorithm="auto", auto_seconds=0), tmp_path, lambda *step: None)
    assert "sequence ndcg@10" not in none
