"""The demo shop's items: made from the assortment with a seed, a few of them with Chinese titles."""

from __future__ import annotations

import msgspec
import numpy as np

from aisle.demo.assortment import KINDS, MAKERS, Kind
from aisle.demo.words import BOOK_TITLES, CHINESE_COLOURS, CHINESE_FEATURES, CHINESE_LINES, LINES
from aisle.types import Attribute, Availability, Item, Money

DAY = 86_400_000_000  # microseconds
WINDOW = 214  # days of history, about seven months
SOLD_OUT, PREORDER = 0.05, 0.3  # shares: of all items; of brand new items
CHINESE = 0.16  # share of the items of a kind that has a Chinese name


def make_items(rng: np.random.Generator, now: int) -> list[Item]:
    """Every item of the shop in the order of the assortment, `item-0001` first; `now` in microseconds UTC."""
    items: list[Item] = []
    for kind in KINDS:
        items += _kind(kind, len(items), rng, now)
    items[0] = _replace(items[0], created_at=now - 600 * DAY, availability="in_stock")  # it stands in every example
    return items


def kind_of(item: Item) -> str:
    """The code of an item's kind of product ("mug")."""
    return str((item.attributes or {})["kind"])


def _kind(kind: Kind, first: int, rng: np.random.Generator, now: int) -> list[Item]:
    """The items of one kind: colours in turn, and every third line comes in a second one (a variant)."""
    lines = rng.permutation(len(LINES))
    colours = [kind.colours[k] for k in rng.permutation(len(kind.colours))]
    items: list[Item] = []
    line = 0
    for k in range(kind.count):
        twin = k % 4 == 3 and kind.code != "book"
        colour = colours[k % len(colours)]
        if twin:
            items.append(_variant(items[-1], f"item-{first + k + 1:04d}", colour))
        else:
            items.append(_item(kind, f"item-{first + k + 1:04d}", line, LINES[lines[line]], colour, rng, now))
            line += 1
    for k in range(1, len(items)):
        if items[k].group_id == items[k - 1].item_id:
            items[k - 1] = _replace(items[k - 1], group_id=items[k - 1].item_id)
    return items


def _item(kind: Kind, item_id: str, number: int, line: str, colour: str, rng: np.random.Generator, now: int) -> Item:
    maker = str(rng.choice(kind.makers))
    material = str(rng.choice(kind.materials))
    pattern = str(rng.choice(kind.patterns))
    attributes: dict[str, Attribute] = {"kind": kind.code, "colour": colour, "material": material, "pattern": pattern}
    attributes |= {name: str(rng.choice(values)) for name, values in sorted(kind.extra.items())}
    if kind.sizes:
        attributes["sizes"] = list(kind.sizes[int(rng.integers(0, 2)) :])
    title, description = _texts(kind, number, line, colour, attributes, bool(kind.chinese) and rng.random() < CHINESE, rng)
    made = _created(rng, now)
    return Item(
        item_id=item_id, title=title, description=description, brand=maker, category=kind.category,
        price=Money(_price(kind, maker, rng), "EUR"), availability=_availability(rng, now - made),
        image_urls=[f"/pictures/{item_id}.png"], attributes=attributes, created_at=made,
    )  # fmt: skip


def _variant(of: Item, item_id: str, colour: str) -> Item:
    """The same product in another colour: it shares its line, price, age and group."""
    attributes = dict(of.attributes or {})
    before = str(attributes["colour"])
    attributes["colour"] = colour
    return _replace(
        of, item_id=item_id, attributes=attributes, image_urls=[f"/pictures/{item_id}.png"], group_id=of.item_id,
        title=_recolour(of.title, before, colour), description=_recolour(of.description or "", before, colour),
    )  # fmt: skip


def _recolour(text: str, before: str, after: str) -> str:
    """A text about one colour, said of another, in both languages."""
    return text.replace(f" {before}", f" {after}").replace(CHINESE_COLOURS[before], CHINESE_COLOURS[after])


def _replace(item: Item, **changed: object) -> Item:
    return msgspec.structs.replace(item, **changed)


def _texts(
    kind: Kind, number: int, line: str, colour: str, attributes: dict[str, Attribute], chinese: bool, rng: np.random.Generator
) -> tuple[str, str]:
    """Title and description; `number` counts the lines of this kind."""
    if chinese:
        name = f"{CHINESE_LINES[number % len(CHINESE_LINES)]}{kind.chinese}"
        return f"{name} {CHINESE_COLOURS[colour]}", f"{name}，{CHINESE_COLOURS[colour]}。{CHINESE_FEATURES[kind.code]}"
    one, two = rng.choice(len(kind.features), 2, replace=False)
    material, pattern = attributes["material"], attributes["pattern"]
    said = f"{kind.features[one]} {kind.features[two]}"
    if kind.code == "book":
        return BOOK_TITLES[number % len(BOOK_TITLES)], f"A {attributes['genre']} novel, {material}, with a {colour} cover. {said}"
    look = colour if pattern == "plain" else f"{pattern} {colour}"
    detail = "".join(f", {attributes[name]}" for name in sorted(kind.extra) if name != "season")
    if kind.held:
        title, what = f"{line} {material} {kind.noun}{detail}, {colour} {kind.held}", f"in a {colour} {kind.held}"
    else:
        title, what = f"{line} {material} {kind.noun}, {look}{detail}", f"in {look}"
    return title, f"{str(material)[0].upper()}{str(material)[1:]} {kind.noun} {what}. {said}"


def _price(kind: Kind, maker: str, rng: np.random.Generator) -> int:
    """Cents that end like prices do: log-normal around the kind's median, moved by the maker's level."""
    euros = kind.price * MAKERS[maker] * float(rng.lognormal(0.0, 0.28))
    if euros < 20:
        return max(round(euros * 10) * 10 - 10, 90) + int(rng.choice([0, 5, 9]))
    return round(euros) * 100 - int(rng.choice([1, 5, 10, 100]))


def _created(rng: np.random.Generator, now: int) -> int:
    """Two thirds are older than the history, the rest came during it; a few came in the last two days."""
    age = rng.choice(3, p=(0.66, 0.30, 0.04))
    low, high = ((WINDOW, 900), (4, WINDOW), (0.05, 2))[age]
    return now - int(rng.uniform(low, high) * DAY)


def _availability(rng: np.random.Generator, age: int) -> Availability:
    draw = rng.random()
    if age < 2 * DAY:
        return "preorder" if draw < PREORDER else "in_stock"
    return "out_of_stock" if draw < SOLD_OUT else "in_stock"
