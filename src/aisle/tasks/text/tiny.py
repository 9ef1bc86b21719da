"""The tiny world of text: two-word reviews, English and Chinese, whose stars one word decides; and two kinds of items."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from aisle.kit.tiny_data import TinyData
from aisle.task import Data
from aisle.types import Item, Sample, SampleKind

GOOD = ("lovely", "great", "perfect", "喜欢", "很好")
BAD = ("awful", "broken", "terrible", "太差", "失望")
THINGS = ("lamp", "pot", "chair", "台灯", "花盆", "椅子")
KINDS = (("Home > Lamps", "lamp"), ("Garden > Pots", "pot"))


class Words(TinyData):
    """Labelled texts and items."""

    def items(self) -> Iterator[Item]:
        for number in range(1, 25):
            category, noun = KINDS[number % 2]
            yield Item(item_id=f"item-{number:04d}", title=f"{noun} no. {number}", category=category)

    def samples(self, kind: SampleKind) -> Iterator[Sample]:
        """Every thing is called good by every good word (5 stars) and bad by every bad one (1 star)."""
        for stars, words in (("5", GOOD), ("1", BAD)) if kind == "text" else ():
            for word in words:
                for thing in THINGS:
                    text = f"{word} {thing}" if word.isascii() and thing.isascii() else f"{thing}{word}"
                    labels: dict[str, str | list[str]] = {"label": stars, "item_id": "item-0001", "about": [thing, word]}
                    yield Sample(sample_id=f"{word}-{thing}", kind="text", text=text, labels=labels)


def data() -> Data:
    return Words()


def settings() -> dict[str, Any]:
    return {}
