"""What shoppers' choices teach: items of a question, words that mean the same, weights; and what must not be learnt."""

from __future__ import annotations

from pathlib import Path

import pytest

from aisle.access import DEFAULT_TENANT
from aisle.embedded import Shop
from aisle.kit.personal import masked
from aisle.kit.tiny_data import TinyData
from aisle.tasks.search.fit import fit
from aisle.tasks.search.learning import grouped, questions, synonyms
from aisle.tasks.search.model import load
from aisle.tasks.search.schema import Config
from aisle.types import EVENT_CODE, Choice, Event, Item

from .worlds import Asked

SOFAS = [Item(item_id=f"sofa-{n}", title=f"Sofa {name}", category="Home") for n, name in enumerate(("Oslo", "Lund", "Turku"))]
CHAIRS = [Item(item_id=f"chair-{n}", title=f"Chair {name}", category="Home") for n, name in enumerate("ABCDEFGHI")]
BOUGHT = EVENT_CODE["purchase"]


def choices(query: str, item_id: str, users: int, at: int = 0) -> list[Choice]:
    return [Choice(query, item_id, BOUGHT, f"user-{user}", at + user) for user in range(users)]


def test_a_question_is_learnt_from_enough_people_only() -> None:
    told = grouped(
        [*choices("grey couch", "sofa-1", 3), *choices("couch grey", "sofa-1", 2), *choices("secret wish", "sofa-0", 2)]
    )
    (asked,) = questions(told, 3)
    assert asked.terms == ["couch", "grey"] and asked.chosen == {"sofa-1": 1.0}


def test_one_person_counts_once_however_often_they_come() -> None:
    told = grouped([Choice("couch", "sofa-0", BOUGHT, "user-1", at) for at in range(50)] + choices("couch", "sofa-1", 2))
    assert told[("couch",)].weight["sofa-0"] == 5 and len(told[("couch",)].users) == 2


def test_what_shoppers_call_otherwise_than_the_shop_is_found_also_in_items_nobody_chose(tmp_path: Path) -> None:
    data = TinyData([*SOFAS, *CHAIRS], chosen=[*choices("couch", "sofa-0", 4), *choices("big couch", "sofa-1", 3)])
    before = Asked(data.catalogue).query("couch")
    assert before.fallback == "popular"
    scores = fit(data, Config(), tmp_path, lambda done, total, message: None)
    after = Asked(data.catalogue, load(tmp_path)).query("couch", explain="full")
    assert [hit.item_id for hit in after.items] == ["sofa-0", "sofa-1", "sofa-2"] and after.fallback is None
    assert {reason.kind for reason in after.items[0].reasons} >= {"asked", "words"}
    assert scores["questions"] == 2 and scores["synonyms"] >= 1


def test_no_synonym_of_what_the_shop_says_itself() -> None:
    told = grouped(choices("sofa", "sofa-0", 5))
    assert synonyms(told, {item.item_id: item for item in SOFAS + CHAIRS}, 3) == {}


def test_weights_are_tuned_where_there_is_enough_and_never_to_worse(tmp_path: Path) -> None:
    items = [Item(item_id=f"i{n}", title=f"thing {'abcdefgh'[n % 8]} {n}") for n in range(80)]
    said = [one for n in range(40) for one in choices(f"thing {n}", f"i{n}", 3, at=n * 100)]
    scores = fit(TinyData(items, chosen=said), Config(), tmp_path, lambda done, total, message: None)
    assert scores["chosen_mrr"] >= scores["chosen_mrr_untuned"] > 0.5


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("gift for jane.doe+x@example.com", "gift for [email]"),
        ("call +49 30 1234567 about lamp", "call [phone] about lamp"),
        ("card 4111 1111 1111 1111", "card [card]"),
        ("DE89 3704 0044 0532 0130 00 refund", "[account] refund"),
        ("4006381333931", "4006381333931"),
        ("canon 500d 18-55", "canon 500d 18-55"),
        ("iphone 15 256gb 2023", "iphone 15 256gb 2023"),
        ("红色连衣裙 42", "红色连衣裙 42"),
        ("我的手机是13812345678，谢谢", "我的手机是[phone]，谢谢"),
        ("身份证11010519491231002X", "身份证[identity]"),
        ("111111111111111111", "111111111111111111"),
        ("ring (555) 010-9999 or 555-010-9999", "ring [phone] or [phone]"),
        ("send to 12 Long Garden Street please", "send to [address] please"),
        ("wohne Hauptstraße 12a", "wohne [address]"),
        ("北京市朝阳区建国路88号", "[address]"),
        ("5 stars, 2 red lamps", "5 stars, 2 red lamps"),
        ("1200 mm Drive belt 3000 W", "1200 mm Drive belt 3000 W"),
    ],
)
def test_personal_data_in_questions_is_masked_and_products_are_not(text: str, kept: str) -> None:
    assert masked(text) == kept


def test_questions_are_kept_without_who_asked_and_teach_through_answer_ids(tmp_path: Path) -> None:
    with Shop(str(tmp_path / "shop"), worker=False) as shop:
        shop.put_items([*SOFAS, *CHAIRS])
        for user in ("ann", "bob", "cem"):
            answer = shop.search(query="Couch for ann@example.com", user_id=user)
            shop.add_events([Event(user_id=user, item_id="sofa-2", type="purchase", answer_id=answer.answer_id)])
        shop.search(query="not to be kept", record=False)
        (asked,) = shop.app.searches.asked(DEFAULT_TENANT, 0, 10, unanswered=True)
        assert asked.query == "couch for [email]" and asked.times == 3
        assert [choice.item_id for choice in shop.app.data(DEFAULT_TENANT).choices()] == ["sofa-2"] * 3
        shop.train("search")
        assert shop.search(query="couch for").items[0].item_id == "sofa-2"
        columns = [row[1] for row in shop.app.database._writer.execute("pragma table_info(searches)").fetchall()]
        assert "user_id" not in columns
