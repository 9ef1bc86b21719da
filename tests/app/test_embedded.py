"""`aisle.open("./shop")`: the whole service in this process, from notebook and script."""

import threading
from pathlib import Path

import pytest

import aisle
from aisle.embedded import Shop
from aisle.errors import BadInput, Conflict, NoModel


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return aisle.open(str(tmp_path / "shop"))


def fill(shop: Shop) -> None:
    shop.put_items({"item_id": f"i{n}", "title": f"Thing {n}", "category": f"Kind {n % 2}"} for n in range(20))
    shop.add_events(
        {"user_id": f"u{user}", "item_id": f"i{(user % 2 + 2 * (user // 2 + k)) % 20}", "type": "purchase", "time": 1_790_000_000}
        for user in range(30) for k in range(5)
    )  # fmt: skip


def test_rows_in_training_and_an_answer(shop: Shop) -> None:
    seen: list[float] = []
    with shop:
        fill(shop)
        result = shop.train("recommend", lambda done, total, message: seen.append(done / total))
        answer = shop.recommend.for_user(user_id="u3", n=4)
        assert result["model"] == answer.model == "recommend@1"
        assert [int(item.item_id[1:]) % 2 for item in answer.items] == [1] * 4  # type: ignore[attr-defined]
    assert seen
    assert seen[-1] == 1.0


def test_a_purchase_changes_the_next_answer_without_training(shop: Shop) -> None:
    with shop:
        fill(shop)
        shop.train("recommend")
        before = [item.item_id for item in shop.recommend.for_user(user_id="u3", n=5).items]  # type: ignore[attr-defined]
        shop.add_events([{"user_id": "u3", "item_id": before[0], "type": "purchase"}])
        after = [item.item_id for item in shop.recommend.for_user(user_id="u3", n=5).items]  # type: ignore[attr-defined]
        assert before[0] not in after


def test_mistakes_raise_the_same_errors_as_http(shop: Shop) -> None:
    with shop:
        with pytest.raises(NoModel, match="aisle train"):
            shop.recommend.for_user(user_id="u")
        with pytest.raises(BadInput, match=r"\$.user_id"):
            shop.recommend.for_user(user_id=3)
        with pytest.raises(BadInput, match="item"):
            shop.put_items([{"item_id": "", "title": "x"}])
        with pytest.raises(AttributeError, match="no operation"):
            shop.recommend.nonsense()
        with pytest.raises(AttributeError, match="no task"):
            _ = shop.nonsense
        with pytest.raises(Conflict, match="import items"):
            shop.train("recommend")


def test_threads_may_share_a_shop(shop: Shop) -> None:
    with shop:
        fill(shop)
        shop.train("recommend")
        answers: list[str] = []
        threads = [
            threading.Thread(target=lambda n=n: answers.append(shop.recommend.for_user(user_id=f"u{n}", n=3).model))
            for n in range(16)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert answers == ["recommend@1"] * 16


def test_closing_twice_is_harmless_and_the_folder_opens_again(tmp_path: Path, shop: Shop) -> None:
    fill(shop)
    shop.close()
    shop.close()
    with aisle.open(str(tmp_path / "shop")) as again:
        assert again.app.items.count(1) == 20
