"""What the demo shop's buyers wrote: short reviews that agree with their stars, in English and Chinese, for the text task."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from msgspec import Struct

from aisle.demo.assortment import KIND
from aisle.demo.catalogue import kind_of
from aisle.types import Event, Item

REVIEWS = 1500
CHINESE = 0.14  # share of the reviews
PURE = 0.72  # share of the clear reviews (1, 2, 4, 5 stars) without a "but"


class Review(Struct, frozen=True):
    """One review; `label` is its stars, 1 to 5; `time` in microseconds UTC."""

    text: str
    label: int
    item_id: str
    user_id: str
    time: int
    language: str  # "en" or "zh"


_OPEN: dict[int, tuple[str, ...]] = {
    1: (
        "Very disappointed.",
        "Do not buy this {noun}.",
        "A waste of money.",
        "Broken after {span}.",
        "Terrible.",
        "I sent it back.",
    ),
    2: ("Not what I hoped for.", "Rather poor for the price.", "I expected more.", "Meh, really.", "Would not buy it again."),
    3: ("It is okay.", "Neither good nor bad.", "Decent, nothing special.", "Does its job, no more.", "Average {noun}."),
    4: ("Good {noun}.", "Quite happy with it.", "Solid and well made.", "I like it.", "Nearly perfect.", "Nice buy."),
    5: (
        "Absolutely love it!",
        "Perfect.",
        "The best {noun} I have had.",
        "Wonderful!",
        "Could not be happier.",
        "Worth every cent.",
    ),
}
_GOOD = (
    "The {colour} is even more beautiful than in the picture.", "The {material} feels great.", "Everyone asks where I got it.",
    "It came early and well packed.", "After {span} it still looks like new.", "I have already ordered a second one for {who}.",
    "Exactly as described.", "Great value for money.", "The quality is excellent.", "It makes me smile every morning.",
    "{who_cap} loves it too.", "I use it every day.",
)  # fmt: skip
_BAD = (
    "The {colour} looks nothing like the picture.", "The {material} feels cheap.", "It fell apart after {span}.",
    "It arrived damaged and late.", "Far too expensive for what it is.", "It smells strange.", "Poor workmanship.",
    "The refund took a month.", "Smaller than I thought.", "{who_cap} did not like it either.", "It scratches at once.",
    "I regret this purchase.",
)  # fmt: skip
_MIXED = (
    "The {colour} is nice, but the {material} could be better.", "Fine for the price.", "Good idea, average quality.",
    "It works, though I had hoped for more.", "Some days I like it, some days I do not.", "Delivery was fast, the product so-so.",
    "Looks good, but a little small.", "Neither {who} nor I have strong feelings about it.",
)  # fmt: skip
_CLOSE: dict[int, tuple[str, ...]] = {
    1: ("Never again.", "Stay away.", "One star is too many.", ""), 2: ("There are better ones.", "A pity.", ""),
    3: ("Three stars.", "Maybe.", "We will see.", ""), 4: ("Recommended.", "One star off for the price.", ""),
    5: ("Highly recommended!", "Thank you!", "Ten out of ten.", ""),
}  # fmt: skip
_SPAN = ("a week", "two weeks", "a month", "three days", "two months", "one wash")
_WHO = ("my sister", "my partner", "a friend", "my mother", "my neighbour", "my son")

_ZH_OPEN: dict[int, tuple[str, ...]] = {
    1: ("非常失望。", "千万别买。", "质量太差了。", "用了没几天就坏了。"),
    2: ("不太满意。", "没有想象中好。", "有点后悔。"),
    3: ("一般般。", "还行吧。", "中规中矩。"), 4: ("挺好的。", "比较满意。", "质量不错。"),
    5: ("太喜欢了！", "非常满意！", "完美！", "强烈推荐！"),
}  # fmt: skip
_ZH_GOOD = (
    "颜色比图片更好看。",
    "做工精细。",
    "物流很快，包装很好。",
    "每天都在用。",
    "性价比很高。",
    "朋友也说好看。",
    "手感很舒服。",
    "已经回购了。",
)
_ZH_BAD = (
    "颜色和图片差很多。",
    "做工粗糙。",
    "收到时已经破损。",
    "味道很大。",
    "价格太贵，不值。",
    "客服态度不好。",
    "容易掉色。",
    "尺寸偏小。",
)
_ZH_MIXED = (
    "价格还可以，质量一般。",
    "颜色不错，但是有点小。",
    "能用，没有惊喜。",
    "物流快，东西普通。",
    "说不上好，也说不上坏。",
)


def make_reviews(rng: np.random.Generator, items: list[Item], events: list[Event]) -> list[Review]:
    """Reviews for some of the ratings in `events`, rare stars more often; the stars are the rating's."""
    by_id = {item.item_id: item for item in items}
    rates = [event for event in events if event.type == "rate"]
    stars = np.array([int(event.value or 3) for event in rates])
    weight = 1.0 / np.sqrt(np.bincount(stars, minlength=6)[stars])  # the unhappy write more often
    chosen = np.sort(rng.choice(len(rates), min(REVIEWS, len(rates)), replace=False, p=weight / weight.sum()))
    return [_review(rng, rates[row], by_id[rates[row].item_id]) for row in chosen]


def _review(rng: np.random.Generator, rate: Event, item: Item) -> Review:
    stars = int(rate.value or 3)
    chinese = rng.random() < CHINESE
    text = _chinese(rng, stars) if chinese else _english(rng, stars, item)
    return Review(text, stars, rate.item_id, rate.user_id, int(rate.time or 0), "zh" if chinese else "en")


def _english(rng: np.random.Generator, stars: int, item: Item) -> str:
    kind, who = KIND[kind_of(item)], _one(rng, _WHO)
    attributes = item.attributes or {}
    said = [_one(rng, _OPEN[stars]), *_middle(rng, stars, _GOOD, _BAD, _MIXED, joint="Still: "), _one(rng, _CLOSE[stars])]
    text = " ".join(part for part in said if part).format(
        noun=kind.noun, colour=attributes["colour"], material=attributes["material"], span=_one(rng, _SPAN), who=who,
        who_cap=who[0].upper() + who[1:],
    )  # fmt: skip
    return text.lower() if rng.random() < 0.06 else text


def _chinese(rng: np.random.Generator, stars: int) -> str:
    return "".join([_one(rng, _ZH_OPEN[stars]), *_middle(rng, stars, _ZH_GOOD, _ZH_BAD, _ZH_MIXED, joint="不过，")])


def _middle(
    rng: np.random.Generator, stars: int, good: Sequence[str], bad: Sequence[str], mixed: Sequence[str], joint: str
) -> list[str]:
    """One to three sentences on the side of the stars; now and then one from the other side, as people do."""
    if stars == 3:
        return _some(rng, mixed, 2)
    own, other = (good, bad) if stars > 3 else (bad, good)
    said = _some(rng, own, 3)
    if stars in (2, 4) and rng.random() > PURE:
        said.append(joint + _one(rng, other[:-1]))
    return said


def _some(rng: np.random.Generator, words: Sequence[str], most: int) -> list[str]:
    return [words[k] for k in rng.choice(len(words), int(rng.integers(1, most + 1)), replace=False)]


def _one(rng: np.random.Generator, words: Sequence[str]) -> str:
    return words[int(rng.integers(len(words)))]
