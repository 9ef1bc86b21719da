"""The live catalogue: what may be shown, for a filter, right now."""

import numpy as np
import pytest

from aisle.kit.catalogue import Catalogue
from aisle.types import Filter, Item, Money, PriceRange


def item(item_id: str, **fields: object) -> Item:
    return Item(item_id=item_id, title=item_id, **fields)  # type: ignore[arg-type]


@pytest.fixture
def catalogue() -> Catalogue:
    return Catalogue(
        [
            item(
                "shirt",
                category="Clothing > Shirts",
                price=Money(3900, "EUR"),
                brand="Nord",
                attributes={"colour": ["white", "blue"]},
            ),
            item("hat", category="Clothing > Hats", price=Money(1900, "EUR"), brand="Süd", availability="out_of_stock"),
            item(
                "mug", category="Kitchen > Mugs", price=Money(900, "EUR"), brand="Nord", attributes={"colour": "Blue", "size": 3}
            ),
            item("free"),
        ]
    )


def shown(catalogue: Catalogue, wanted: Filter | None = None) -> set[str]:
    return {catalogue.items[position].item_id for position in np.flatnonzero(catalogue.mask(wanted))}


def test_what_is_out_of_stock_is_not_shown_unless_asked_for(catalogue: Catalogue) -> None:
    assert shown(catalogue) == {"shirt", "mug", "free"}
    assert shown(catalogue, Filter(availability=["out_of_stock"])) == {"hat"}
    assert shown(catalogue, Filter(availability=["in_stock", "out_of_stock"])) == {"shirt", "hat", "mug", "free"}


@pytest.mark.parametrize(
    "wanted, expected",
    [
        (Filter(category=["Clothing"]), {"shirt"}),
        (Filter(category=["clothing > shirts", "Kitchen"]), {"shirt", "mug"}),
        (Filter(category=["Cloth"]), set()),
        (Filter(price=PriceRange(min=900, max=900)), {"mug"}),
        (Filter(price=PriceRange(max=5000)), {"shirt", "mug"}),
        (Filter(brand=["nord"]), {"shirt", "mug"}),
        (Filter(attributes={"colour": "blue"}), {"shirt", "mug"}),
        (Filter(attributes={"colour": "blue", "size": 3}), {"mug"}),
        (Filter(attributes={"colour": ["white", "red"]}), {"shirt"}),
        (Filter(exclude=["mug", "unknown"]), {"shirt", "free"}),
        (Filter(include=["mug", "hat", "unknown"]), {"mug"}),
        (Filter(category=["Clothing"], brand=["Süd"]), set()),
    ],
)
def test_each_filter_keeps_what_it_names(catalogue: Catalogue, wanted: Filter, expected: set[str]) -> None:
    assert shown(catalogue, wanted) == expected


def test_a_change_shows_in_the_next_mask(catalogue: Catalogue) -> None:
    before = catalogue.version
    catalogue.put([item("mug", availability="out_of_stock"), item("new")])
    catalogue.remove(["shirt", "unknown"])
    assert shown(catalogue) == {"free", "new"}
    assert catalogue.version > before
    assert "shirt" not in catalogue
    assert catalogue.get("shirt") is None
    assert len(catalogue) == 4


def test_positions_stay_where_they_are(catalogue: Catalogue) -> None:
    positions = dict(catalogue.position)
    catalogue.remove(["shirt"])
    catalogue.put([item(f"more-{n}") for n in range(500)] + [item("shirt")])
    assert {name: catalogue.position[name] for name in positions} == positions
    assert "shirt" in catalogue
    assert catalogue.mask().sum() == len(catalogue) - 1
