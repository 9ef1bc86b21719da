"""Small catalogues with obvious answers, and a way to ask them."""

from __future__ import annotations

from typing import Any

import msgspec

from aisle.kit.catalogue import Catalogue
from aisle.kit.vectors import Space
from aisle.task import Context
from aisle.tasks.search.engine import SearchEngine
from aisle.tasks.search.model import Model
from aisle.tasks.search.schema import Completions, Found, Missing, Query, Suggest, WithoutVector
from aisle.types import Item, Money, Rule, RuleSet

NOW = 1_800_000_000_000_000

ITEMS = [
    Item(
        item_id="lamp", title="Red reading lamp", brand="Lumo", category="Home > Lamps", price=Money(amount=3900, currency="EUR")
    ),
    Item(item_id="dress", title="Blue summer dress", category="Clothing > Dresses", attributes={"material": "linen"}),
    Item(item_id="disk", title="Harddrive 500GB USB-C", brand="Kestrel", category="Electronics", description="External storage"),
    Item(item_id="phones", title="Wireless headphones WH-1000XM5", brand="Kestrel", category="Electronics > Audio"),
    Item(item_id="qipao", title="红色连衣裙 夏季新款", category="服装 > 连衣裙"),
    Item(item_id="cafe", title="Café cups, 15,6 cm", description="Set of <b>four</b> porcelain cups &amp; saucers"),
]


class Asked:
    """An engine over a live catalogue."""

    def __init__(self, items: list[Item], model: Model | None = None) -> None:
        self.catalogue = Catalogue(items)
        self.spaces = {"text": Space(), "image": Space()}
        self.engine = SearchEngine(model or Model())
        self.rules = RuleSet()

    def rule(self, *rules: dict[str, Any]) -> None:
        """From the next question on."""
        made = tuple(msgspec.convert({"rule_id": f"r{n}", **rule}, Rule) for n, rule in enumerate(rules))
        self.rules = RuleSet(self.rules.version + 1, made)

    def query(self, query: str = "", **more: Any) -> Found:
        return self._ask("query", Query(query=query, **more))

    def suggest(self, query: str, **more: Any) -> Completions:
        return self._ask("suggest", Suggest(query=query, **more))

    def missing(self, **more: Any) -> WithoutVector:
        return self._ask("missing", Missing(**more))

    def ids(self, query: str = "", **more: Any) -> list[str]:
        return [hit.item_id for hit in self.query(query, **more).items]

    def first(self, query: str = "", **more: Any) -> str:
        return self.ids(query, **more)[0]

    def _ask(self, op: str, request: Any) -> Any:
        context = Context(now=NOW, catalogue=self.catalogue, spaces=self.spaces, rules=self.rules)
        (result,) = self.engine.run(op, [self.engine.prepare(op, request, context)])
        return self.engine.finish(op, request, result)
