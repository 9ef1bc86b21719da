"""What the demo shop sells: the kinds of product, their colours, makers, prices, seasons and companions. All invented."""

from __future__ import annotations

from dataclasses import dataclass, field

from aisle.demo.words import FEATURES

Rgb = tuple[int, int, int]

COLOURS: dict[str, Rgb] = {
    "black": (44, 46, 52),
    "white": (248, 248, 246),
    "grey": (150, 155, 162),
    "red": (208, 48, 50),
    "orange": (238, 124, 36),
    "yellow": (246, 204, 60),
    "green": (70, 150, 78),
    "teal": (28, 156, 160),
    "blue": (44, 98, 196),
    "purple": (128, 76, 176),
    "pink": (240, 146, 180),
    "brown": (128, 84, 52),
    "beige": (222, 200, 162),
}
BRIGHT = ("red", "orange", "yellow", "green", "teal", "blue", "purple", "pink")
CALM = ("black", "white", "grey", "brown", "beige", "blue", "green")
ANY = tuple(COLOURS)

MAKERS: dict[str, float] = {  # invented houses; the number is their price level, 1 is the middle
    "Norrvane": 1.35, "Plainfold": 0.72, "Tesselrow": 1.0, "Velloria": 1.6, "Brindlemoor": 0.9,
    "Kettlewick": 1.2, "Hearthwell": 0.85, "Ostrelle": 1.45, "Larkmere": 1.0, "Lumenfold": 1.15,
    "Mossgate": 0.8, "Fernabey": 1.1, "Fjellbrook": 1.4, "Pinnacora": 0.95, "Zephtrail": 0.75,
    "Quillmarch": 1.0, "Inkhaven": 1.25, "Sonwick": 1.3, "Auderon": 0.8, "Beanloft": 1.15, "Copperleaf": 0.9,
}  # fmt: skip
WEAR = ("Norrvane", "Plainfold", "Tesselrow", "Velloria", "Brindlemoor")
HOME = ("Kettlewick", "Hearthwell", "Ostrelle", "Larkmere")
LIGHT = ("Lumenfold", "Larkmere", "Ostrelle")
GARDEN = ("Mossgate", "Fernabey", "Hearthwell")
TRAIL = ("Fjellbrook", "Pinnacora", "Zephtrail")
PAPER = ("Quillmarch", "Inkhaven", "Plainfold")
SOUND = ("Sonwick", "Auderon", "Lumenfold")
PANTRY = ("Beanloft", "Copperleaf", "Kettlewick")

TEXTILE = ("plain", "plain", "striped", "dotted", "checked")
PLAIN = ("plain",)


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of product: how many the shop has, what they look like, cost, and are bought with."""

    code: str
    category: str
    noun: str
    count: int
    price: float  # median, in euros
    colours: tuple[str, ...]
    materials: tuple[str, ...]
    makers: tuple[str, ...]
    patterns: tuple[str, ...] = PLAIN
    chinese: str = ""  # the noun in Chinese; empty: never titled in Chinese
    with_: dict[str, float] = field(default_factory=dict)  # kind bought along -> how often
    lasts: int = 0  # days until a buyer buys again; 0: it is bought once
    peak: int = 0  # month of the season, 1..12; 0: sells all year
    sizes: tuple[str, ...] = ()
    extra: dict[str, tuple[str, ...]] = field(default_factory=dict)  # attribute -> its values
    held: str = ""  # what has the colour where the product itself has none ("tin")

    @property
    def features(self) -> tuple[str, ...]:
        return FEATURES[self.code]


_ML = ("XS", "S", "M", "L", "XL")
_SHOE = ("37", "38", "39", "40", "41", "42", "43", "44")

KINDS: tuple[Kind, ...] = (
    Kind("coffee", "Coffee & Tea > Coffee beans", "coffee beans", 10, 13.9, ("brown", "black", "red", "orange", "teal",
         "green", "blue", "beige"), ("arabica", "robusta blend"),
         PANTRY, held="bag", chinese="咖啡豆", with_={"filter": 0.34, "mug": 0.10},
         lasts=24, extra={"roast": ("light", "medium", "dark"),
         "weight": ("250 g", "500 g", "1 kg")}),
    Kind("tea", "Coffee & Tea > Tea", "tea", 9, 8.9, ("green", "red", "yellow", "teal", "purple", "pink", "black", "white"),
         ("sencha", "assam", "camomile"),
         PANTRY, held="tin", chinese="茶叶", with_={"teapot": 0.10, "mug": 0.10},
         lasts=34, extra={"weight": ("50 g", "100 g", "250 g")}),
    Kind("filter", "Coffee & Tea > Coffee filters", "coffee filters", 6, 3.9, ("white", "brown", "beige"), ("paper",
         "bamboo paper"),
         PANTRY, with_={"coffee": 0.30}, lasts=40, extra={"pack": ("40 pieces", "80 pieces", "100 pieces")}),
    Kind("mug", "Kitchen > Mugs", "mug", 12, 12.5, ANY, ("stoneware", "porcelain", "enamel"),
         HOME, ("plain", "striped", "dotted"), "马克杯", {"coffee": 0.12, "tea": 0.10}, extra={"volume": ("250 ml", "330 ml",
         "400 ml")}),
    Kind("teapot", "Kitchen > Teapots", "teapot", 8, 34.0, ("blue", "white", "black", "green", "teal", "red", "yellow",
         "pink"), ("porcelain", "stoneware", "cast iron"),
         HOME, ("plain", "dotted", "striped"), "茶壶", {"tea": 0.38, "mug": 0.12}, peak=12),
    Kind("pan", "Kitchen > Pans", "frying pan", 8, 44.0, ("black", "grey", "red", "green", "blue", "orange"), ("cast iron",
         "steel", "aluminium"),
         HOME, extra={"diameter": ("20 cm", "24 cm", "28 cm")}),
    Kind("lamp", "Lighting > Table lamps", "table lamp", 10, 54.0, ("white", "black", "yellow", "red", "green", "teal",
         "beige", "pink", "blue", "orange"), ("steel", "oak", "ceramic"),
         LIGHT, ("plain", "plain", "striped"), "台灯", {"bulb": 0.46}, peak=11),
    Kind("bulb", "Lighting > Light bulbs", "LED light bulb", 7, 7.5, ("yellow", "white", "orange", "red", "green", "blue",
         "purple"), ("glass",),
         LIGHT, held="light", with_={"lamp": 0.06}, lasts=75, extra={"socket": ("E14", "E27"), "power": ("5 W", "8 W", "11 W")}),
    Kind("candle", "Home > Candles", "scented candle", 8, 14.5, ("white", "red", "purple", "green", "beige", "orange", "blue",
         "pink"), ("soy wax", "beeswax"),
         HOME, with_={"vase": 0.07}, lasts=30, peak=12),
    Kind("cushion", "Home > Cushions", "cushion", 10, 22.0, ANY, ("cotton", "velvet", "wool"), HOME, TEXTILE, "抱枕",
         {"chair": 0.05}),
    Kind("vase", "Home > Vases", "vase", 8, 29.0, ("blue", "white", "green", "pink", "orange", "teal", "black", "purple"),
         ("glass", "porcelain", "stoneware"),
         HOME, ("plain", "striped", "dotted"), "花瓶", {"candle": 0.08}, peak=4),
    Kind("clock", "Home > Wall clocks", "wall clock", 8, 39.0, ("white", "black", "red", "yellow", "teal", "blue", "brown",
         "pink"), ("oak", "steel", "plastic"), HOME),
    Kind("chair", "Furniture > Chairs", "chair", 10, 119.0, ("brown", "black", "white", "red", "yellow", "green", "blue",
         "grey", "orange", "teal"), ("oak", "beech", "steel"),
         HOME, chinese="椅子", with_={"cushion": 0.20}),
    Kind("table", "Furniture > Side tables", "side table", 7, 149.0, ("brown", "black", "white", "beige", "green", "red",
         "blue"), ("oak", "walnut", "steel"),
         HOME, with_={"lamp": 0.14, "chair": 0.10}),
    Kind("towel", "Bathroom > Towels", "bath towel", 8, 19.0, ("white", "blue", "green", "pink", "grey", "orange", "teal",
         "beige"), ("cotton", "linen"),
         HOME, ("plain", "striped"), with_={"soap": 0.16}, extra={"format": ("50 x 100 cm", "70 x 140 cm")}),
    Kind("soap", "Bathroom > Soaps", "hand soap", 7, 6.9, ("white", "green", "pink", "purple", "yellow", "orange", "blue"),
         ("olive oil", "shea butter"),
         HOME, held="box", with_={"towel": 0.07}, lasts=28),
    Kind("plant", "Garden > House plants", "house plant", 9, 24.0, ("white", "orange", "black", "yellow", "blue", "pink",
         "grey", "teal", "red"), ("terracotta", "ceramic"),
         GARDEN, held="pot", chinese="盆栽", with_={"pot": 0.26, "wateringcan": 0.10}, peak=4),
    Kind("pot", "Garden > Plant pots", "plant pot", 8, 16.0, ("orange", "white", "black", "green", "blue", "yellow", "purple",
         "grey"), ("terracotta", "ceramic"),
         GARDEN, ("plain", "striped", "dotted"), with_={"plant": 0.12}, peak=4),
    Kind("wateringcan", "Garden > Watering cans", "watering can", 7, 27.0, ("green", "grey", "red", "yellow", "blue", "pink",
         "white"), ("steel", "plastic"),
         GARDEN, with_={"plant": 0.15}, peak=5),
    Kind("shirt", "Clothing > Shirts", "shirt", 12, 49.0, ANY, ("linen", "cotton", "flannel"), WEAR, TEXTILE, "衬衫",
         {"trousers": 0.16}, sizes=_ML, extra={"season": ("summer", "all year", "winter")}),
    Kind("tshirt", "Clothing > T-shirts", "T-shirt", 12, 19.5, ANY, ("organic cotton", "cotton"), WEAR, ("plain", "plain",
         "striped"), "T恤", {"trousers": 0.08}, peak=6, sizes=_ML),
    Kind("trousers", "Clothing > Trousers", "trousers", 9, 64.0, ("blue", "black", "beige", "grey", "green", "brown", "white",
         "red", "orange"), ("denim", "cotton", "linen"),
         WEAR, with_={"shirt": 0.10, "socks": 0.08}, sizes=_ML),
    Kind("dress", "Clothing > Dresses", "dress", 10, 79.0, ANY, ("cotton", "viscose", "linen"), WEAR, ("plain", "dotted",
         "striped"), "连衣裙", {"handbag": 0.10, "sandal": 0.12}, peak=6, sizes=_ML),
    Kind("jacket", "Clothing > Jackets", "jacket", 9, 139.0, ("black", "green", "blue", "red", "yellow", "brown", "grey",
         "orange", "purple"), ("nylon", "wool", "waxed cotton"),
         WEAR, chinese="外套", with_={"hat": 0.12}, peak=10, sizes=_ML),
    Kind("socks", "Clothing > Socks", "pair of socks", 8, 9.5, ("grey", "black", "red", "yellow", "green", "blue", "pink",
         "white"), ("merino wool", "cotton"),
         WEAR, ("striped", "plain", "dotted"), lasts=80, peak=12, sizes=("35-38", "39-42", "43-46")),
    Kind("sneaker", "Shoes > Sneakers", "sneakers", 12, 89.0, ANY, ("canvas", "leather", "recycled mesh"), WEAR,
         chinese="运动鞋", with_={"socks": 0.26}, sizes=_SHOE),
    Kind("boot", "Shoes > Boots", "boots", 8, 149.0, ("brown", "black", "beige", "red", "green", "grey", "yellow", "blue"),
         ("leather", "suede", "rubber"),
         WEAR, with_={"socks": 0.24}, peak=11, sizes=_SHOE),
    Kind("sandal", "Shoes > Sandals", "sandals", 7, 55.0, ("brown", "beige", "black", "white", "pink", "teal", "red"),
         ("leather", "cork"), WEAR, peak=6, sizes=_SHOE),
    Kind("hat", "Accessories > Hats", "hat", 9, 29.0, ("beige", "black", "red", "blue", "green", "pink", "yellow", "brown",
         "grey"), ("straw", "wool felt", "cotton"),
         WEAR, with_={"sunglasses": 0.14}, peak=7, chinese="帽子"),
    Kind("watch", "Accessories > Watches", "watch", 9, 129.0, ("black", "brown", "blue", "red", "green", "white", "pink",
         "orange", "grey"), ("leather", "steel", "silicone"), WEAR, peak=12, chinese="手表"),
    Kind("sunglasses", "Accessories > Sunglasses", "sunglasses", 8, 45.0, ("black", "brown", "red", "blue", "yellow", "pink",
         "green", "white"), ("acetate", "metal"), WEAR, with_={"hat": 0.10}, peak=7),
    Kind("backpack", "Bags > Backpacks", "backpack", 10, 84.0, ("green", "blue", "black", "red", "orange", "yellow", "grey",
         "purple", "teal", "brown"), ("recycled nylon", "canvas", "leather"),
         TRAIL, chinese="双肩包", with_={"bottle": 0.24}, peak=9),
    Kind("handbag", "Bags > Handbags", "handbag", 8, 110.0, ("brown", "black", "red", "beige", "pink", "blue", "green",
         "yellow"), ("leather", "canvas"), WEAR, with_={"sunglasses": 0.07}),
    Kind("bottle", "Outdoor > Water bottles", "water bottle", 9, 24.5, ("blue", "green", "red", "orange", "black", "white",
         "pink", "teal", "yellow"), ("steel", "glass"),
         TRAIL, with_={"backpack": 0.06}, chinese="水壶", extra={"volume": ("500 ml", "750 ml", "1 l")}),
    Kind("tent", "Outdoor > Tents", "tent", 8, 219.0, ("orange", "green", "blue", "red", "yellow", "grey", "teal", "beige"),
         ("ripstop nylon", "canvas"),
         TRAIL, with_={"sleepingbag": 0.52, "bottle": 0.14}, peak=6,
         chinese="帐篷", extra={"room": ("1 person", "2 persons", "3 persons", "4 persons")}),
    Kind("sleepingbag", "Outdoor > Sleeping bags", "sleeping bag", 7, 99.0, ("blue", "red", "green", "orange", "black",
         "purple", "yellow"), ("down", "fibre"),
         TRAIL, with_={"tent": 0.22}, peak=6),
    Kind("ball", "Sports > Balls", "ball", 9, 24.0, ("white", "orange", "yellow", "blue", "red", "green", "purple", "pink",
         "black"), ("rubber", "synthetic leather"),
         TRAIL, with_={"bottle": 0.08}, peak=5),
    Kind("dumbbell", "Sports > Dumbbells", "dumbbell", 7, 34.0, ("black", "grey", "red", "blue", "pink", "green", "purple"),
         ("cast iron", "neoprene"),
         TRAIL, with_={"yogamat": 0.20}, peak=1, extra={"weight": ("2 kg", "5 kg", "8 kg")}),
    Kind("yogamat", "Sports > Yoga mats", "yoga mat", 7, 39.0, ("purple", "teal", "pink", "blue", "green", "grey", "orange"),
         ("natural rubber", "cork"),
         TRAIL, with_={"dumbbell": 0.08, "bottle": 0.12}, peak=1, chinese="瑜伽垫"),
    Kind("book", "Books > Novels", "novel", 14, 14.0, ANY, ("hardcover", "paperback"), PAPER, ("plain", "striped", "dotted"),
         "小说", {"book": 0.18}, peak=12,
         extra={"genre": ("mystery", "romance", "science fiction", "adventure")}),
    Kind("notebook", "Stationery > Notebooks", "notebook", 8, 11.0, ("black", "red", "blue", "green", "yellow", "pink",
         "brown", "teal"), ("recycled paper", "leather"),
         PAPER, ("plain", "striped", "dotted"), "笔记本", {"pen": 0.34}, lasts=90, peak=9),
    Kind("pen", "Stationery > Pens", "fountain pen", 7, 32.0, ("black", "blue", "red", "green", "yellow", "purple", "white"),
         ("steel", "resin"), PAPER, with_={"notebook": 0.26}, peak=9),
    Kind("teddy", "Toys > Soft toys", "teddy bear", 8, 26.0, ("brown", "beige", "white", "grey", "pink", "yellow", "blue",
         "purple"), ("plush", "organic cotton"), HOME, peak=12, chinese="泰迪熊"),
    Kind("headphones", "Electronics > Headphones", "headphones", 8, 119.0, ("black", "white", "red", "blue", "pink", "green",
         "orange", "grey"), ("aluminium", "plastic"), SOUND, peak=12, chinese="耳机"),
    Kind("speaker", "Electronics > Speakers", "wireless speaker", 7, 89.0, ("black", "grey", "red", "blue", "green", "orange",
         "teal"), ("fabric", "aluminium"), SOUND, peak=12),
)  # fmt: skip
KIND: dict[str, Kind] = {kind.code: kind for kind in KINDS}
