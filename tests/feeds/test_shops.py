"""Shopify, WooCommerce and GA4: the traps of each, and nothing personal kept."""
# ruff: noqa: E501  rows of real exports are long

import json
from typing import Any

import pytest

from aisle.errors import BadInput

from .conftest import Write, pseudonym, read

OLD = """Handle,Title,Body (HTML),Vendor,Type,Tags,Published,Option1 Name,Option1 Value,Variant SKU,Variant Inventory Qty,Variant Price,Image Src,Variant Barcode,Color (product.metafields.shopify.color-pattern)
linen-shirt,Linen Shirt,"<p>Airy<br>linen</p>",Nord,Shirt,"linen, summer",true,Size,S,LS-S,7,39.00,https://c.example/1.jpg,'4006381333931,white
linen-shirt,,,,,,,,M,LS-M,0,39.00,https://c.example/2.jpg,,
linen-shirt,,,,,,,,,,,,https://c.example/3.jpg,,
straw-hat,Straw Hat,,Nord,Hat,,true,Title,Default Title,,3,25.00,https://c.example/h.jpg,,
"""
NEW = """Title,URL handle,Vendor,Type,Tags,Status,SKU,Option1 name,Option1 value,Price,Inventory quantity,Product image URL
Linen Shirt,linen-shirt,Nord,Shirt,"linen, summer",Active,LS-S,Size,S,39.00,7,https://c.example/1.jpg
,linen-shirt,,,,,LS-M,Size,M,39.00,0,https://c.example/2.jpg
,,,,,,,,,,,https://c.example/3.jpg
Straw Hat,straw-hat,Nord,Hat,,Draft,,Title,Default Title,25.00,3,
"""
ORDERS = """Name,Email,Financial Status,Currency,Created at,Lineitem quantity,Lineitem name,Lineitem price,Lineitem sku,Cancelled at,Id,Billing Name,Billing Street,Shipping Phone,Notes
#1001,Ana@Example.com,paid,EUR,2026-10-02 09:14:55 +0200,2,Linen Shirt - S,39.00,LS-S,,6100000000001,Ana Alvarez,Calle Mayor 1,+34600111222,ring twice
#1001,,,,,1,Straw Hat,25.00,,,,,,,
#1002,bob@example.com,refunded,EUR,2026-10-03 10:00:00 +0200,1,Straw Hat,25.00,,,6100000000002,Bob Brown,Elm 2,+1555,
#1002,,,,,1,Linen Shirt - M,39.00,LS-M,,,,,,
#1003,cy@example.com,paid,EUR,2026-10-04 10:00:00 +0200,1,Straw Hat,25.00,,2026-10-04 11:00:00 +0200,6100000000003,Cy Clark,Oak 3,+1556,
#1004,dee@example.com,paid,EUR,not a date,1,Straw Hat,25.00,,,6100000000004,Dee Doe,Pine 4,+1557,
#1005,,paid,EUR,2026-10-04 10:00:00 +0200,1,Straw Hat,25.00,,,6100000000005,No Mail,Fir 5,+1558,
#1006,eve@example.com,paid,EUR,2026-10-05,1,Straw
#1001,fay@example.com,paid,EUR,2026-10-06 09:00:00 +0200,1,Straw Hat,25.00,,,6100000000006,Fay Fox,Ash 6,+1559,
"""
PERSONAL = [
    "example.com",
    "Ana",
    "Alvarez",
    "Calle",
    "Mayor",
    "+34600111222",
    "ring twice",
    "Bob",
    "Elm",
    "Dee Doe",
    "Pine",
    "+155",
]
WOO = r"""ID,Type,SKU,Name,Published,"In stock?",Stock,"Sale price","Regular price",Categories,Images,Parent,"Attribute 1 name","Attribute 1 value(s)",Cross-sells,Description
42,variation,LS-S,Linen Shirt - S,1,1,7,"34,50","39,00",,,LS,Size,S,,
41,variable,LS,Linen Shirt,1,1,,,,"Clothing > Shirts, Sale","https://s.example/a.jpg, https://s.example/b.jpg",,Size,"S, M, 38\, slim",HAT,Airy\nlinen
43,"simple, virtual",HAT,'=Hat,1,backorder,,,"1.234,00",Hats,,,,,,
44,variation,LS-X,Orphan,1,0,,,"5,00",,,id:999,Size,X,,
45,simple,BAD,Bad price,1,1,,,-5,,,,,,,
"""
GERMAN = """ID;Typ;Artikelnummer;Name;Veröffentlicht;Vorrätig?;Lager;Angebotspreis;Regulärer Preis;Kategorien;Bilder
7;simple;TEE;Tee;1;1;3;;12,90;Getränke > Tee;https://s.example/t.jpg
"""


@pytest.mark.parametrize("text", [OLD, NEW])
def test_both_shopify_dialects_become_variants_of_a_group(write: Write, text: str) -> None:
    got = read(write(text), "items")
    small, medium, hat = got.rows
    assert (got.format, got.read, got.fresh, got.repeats) == ("shopify-products", 4, 3, 1)
    assert (small.item_id, small.title, small.group_id, small.brand) == ("LS-S", "Linen Shirt - S", "linen-shirt", "Nord")
    assert (small.price.amount, small.availability, medium.availability) == (3900, "in_stock", "out_of_stock")
    assert small.image_urls == [f"https://c.example/{k}.jpg" for k in (1, 2, 3)]
    assert (medium.title, medium.attributes["size"], medium.attributes["tags"]) == ("Linen Shirt - M", "M", ["linen", "summer"])
    assert (hat.item_id, hat.title, hat.group_id) == ("Straw Hat", "Straw Hat", "straw-hat")
    if text is OLD:
        assert (small.description, small.attributes["gtin"], small.attributes["Color".casefold()]) == (
            "Airy\nlinen",
            "4006381333931",
            "white",
        )
    else:
        assert hat.availability == "discontinued"  # a draft


def test_shopify_orders_carry_the_order_to_its_lines_and_join_the_products(write: Write) -> None:
    got = read(write(ORDERS), "events")
    known = {item.item_id for item in read(write(OLD, "p.csv"), "items").rows}
    assert got.format == "shopify-orders"
    assert [(event.item_id, event.quantity, event.value) for event in got.rows] == [
        ("LS-S", 2, 78.0), ("Straw Hat", 1, 25.0), ("Straw Hat", 1, 25.0),
    ]  # fmt: skip
    assert {event.item_id for event in got.rows} <= known
    ana, again, fay = got.rows
    assert ana.user_id == again.user_id == pseudonym("Ana@Example.com") and fay.user_id == pseudonym("fay@example.com")
    assert ana.time == again.time == 1_790_925_295_000_000  # 07:14:55 UTC
    assert len({event.event_id for event in got.rows}) == 3
    assert sorted(got.reasons) == [
        "no user_id", "the order was cancelled", "the order was refunded", "the order was refunded",
        "the row has fewer cells than the header", "time cannot be read (send ISO 8601 or epoch numbers)",
    ]  # fmt: skip


def test_nothing_personal_survives_the_parsing_of_orders(write: Write) -> None:
    got = read(write(ORDERS), "events")
    kept = repr(got.rows) + repr(got.rejects)
    assert [text for text in PERSONAL if text in kept] == []


def test_an_email_as_user_id_is_a_pseudonym_in_every_format(write: Write) -> None:
    got = read(
        write("user_id,item_id,type,time\nana@example.com,a,view,2026-01-01\nana@example.com,,view,2026-01-01\n"), "events"
    )
    assert got.rows[0].user_id == pseudonym("ana@example.com")
    assert "example.com" not in repr(got)
    line = json.dumps({"user_id": "ana@example.com", "item_id": "a", "type": "view", "time": "2026-01-01"})
    assert read(write(line, "e.jsonl"), "events").rows[0].user_id == pseudonym("ana@example.com")


def test_orders_are_not_items(write: Write) -> None:
    with pytest.raises(BadInput, match="Shopify order export, which holds events: use `aisle import events`"):
        read(write(ORDERS), "items")


def test_woocommerce_variations_inherit_from_parents_that_come_later(write: Write) -> None:
    got = read(write(WOO), "items")
    items = {item.item_id: item for item in got.rows}
    assert (got.format, got.reasons) == ("woocommerce", ["price is negative"])
    small, parent = items["LS-S"], items["LS"]
    assert (small.group_id, small.category, small.price.amount) == ("LS", "Clothing > Shirts", 3450)
    assert small.image_urls == ["https://s.example/a.jpg", "https://s.example/b.jpg"]
    assert parent.attributes["size"] == ["S", "M", "38, slim"]
    assert parent.attributes["goes_with"] == ["HAT"] and parent.description == "Airy\nlinen"
    assert (items["HAT"].title, items["HAT"].availability, items["HAT"].price.amount) == ("=Hat", "backorder", 123_400)
    assert (items["LS-X"].group_id, items["LS-X"].availability) == ("id:999", "out_of_stock")


def test_woocommerce_headers_are_understood_in_the_sites_language(write: Write) -> None:
    got = read(write(GERMAN), "items")
    item = got.rows[0]
    assert (got.format, item.item_id, item.category, item.price.amount) == ("woocommerce", "TEE", "Getränke > Tee", 1290)


def ga4(name: str, **more: Any) -> dict[str, Any]:
    return {
        "event_date": "20261002", "event_timestamp": 1790932500000000, "event_name": name, "user_pseudo_id": "123.456",
        "event_params": [{"key": "ga_session_id", "value": {"string_value": None, "int_value": "1790932000"}}],
        "items": [{"item_id": "LS-S", "item_name": "Linen Shirt", "price": 39.0, "quantity": "1", "item_brand": "(not set)"}],
    } | more  # fmt: skip


def test_ga4_items_become_events_with_microseconds_and_sessions(write: Write) -> None:
    lines = [ga4("add_to_cart"), ga4("view_item_list", items=[{"item_id": "a"}, {"item_id": "b"}]), ga4("begin_checkout"),
             ga4("page_view", items=[]), ga4("view_item", user_pseudo_id=None), ga4("view_item", items=[{"item_id": "(not set)"}])]  # fmt: skip
    got = read(write("\n".join(map(json.dumps, lines)) + "\n{broken\n", "ga4.json"), "events")
    assert (got.format, got.read) == ("ga4", 8)
    assert [(event.type, event.item_id) for event in got.rows] == [
        ("add_to_cart", "LS-S"),
        ("impression", "a"),
        ("impression", "b"),
    ]
    assert (got.rows[0].time, got.rows[0].session_id, got.rows[0].user_id) == (1790932500000000, "123.456.1790932000", "123.456")
    assert sorted(got.reasons) == [
        "GA4 event begin_checkout has no counterpart here", "GA4 event page_view has no counterpart here", "no item_id",
        "no user_id", "the row is not a JSON object",
    ]  # fmt: skip


def test_a_ga4_purchase_reported_twice_is_one_event_by_its_transaction(write: Write) -> None:
    bought = {"ecommerce": {"transaction_id": "T1"}}
    lines = [ga4("purchase", **bought), ga4("purchase", **bought, event_timestamp=1790932509000000)]
    got = read(write("\n".join(map(json.dumps, lines)), "ga4.json"), "events")
    assert [event.event_id for event in got.rows] == ["ga4:purchase:T1:0"] * 2
    assert got.rows[0].value == 39.0


def test_datalayer_pushes_are_ga4_too(write: Write) -> None:
    push = {
        "event": "view_item",
        "user_id": "u",
        "timestamp": 1790932500,
        "ecommerce": {"currency": "EUR", "items": [{"item_id": "a"}]},
    }
    got = read(write(json.dumps(push), "dl.json"), "events")
    assert (got.format, got.rows[0].type, got.rows[0].item_id) == ("ga4", "view", "a")


def test_a_catalogue_can_be_made_of_ga4_items(write: Write) -> None:
    got = read(write(json.dumps(ga4("view_item")), "ga4.json"), "items")
    assert (got.rows[0].item_id, got.rows[0].title, got.rows[0].brand, got.rows[0].price.amount) == (
        "LS-S",
        "Linen Shirt",
        None,
        3900,
    )
