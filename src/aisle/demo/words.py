"""The words of the demo shop: what its makers say about each kind of product, its collections and book titles."""

_SAID = """
coffee: Roasted in small drums, with notes of cocoa and hazelnut. | Bright and fruity, for filter coffee.
| Full-bodied; good for espresso.
tea: Whole leaves, picked by hand and gently dried. | Clear and fresh, also after a second infusion.
| A calm evening tea with a floral scent.
filter: Fits every common hand dripper. | Unbleached and compostable, without any taste of paper.
| Thick pulp for an even, clear brew.
mug: Keeps its heat and sits well in the hand. | Glazed by hand, so no two are quite alike. | Safe in dishwasher and microwave.
teapot: With a fine strainer and a spout that does not drip. | Holds enough for four cups. | The lid stays put while you pour.
pan: Heats evenly on every hob, induction too. | The handle stays cool. | Sears at high heat and cleans with a wipe.
lamp: Gives a warm, glare-free light for desk and bedside. | The shade tilts, the cord is two metres long.
| A quiet shape for every room.
bulb: Warm light from the first second, for fifteen years. | Dims without flicker. | Uses a tenth of the power of the old bulb.
candle: Burns for forty hours with a clean flame. | Scented with cedar, fig and a little smoke.
| Poured by hand into a glass to use again.
cushion: Keeps its shape; the cover can be washed. | Soft on both sides, with a hidden zip.
| Brings colour to sofa and reading chair.
vase: For a single branch or a whole bunch. | Heavy enough to stand, light enough to move.
| Shaped on the wheel and fired twice.
clock: A silent movement that never ticks. | Easy to read across the room. | Runs for two years on one battery.
chair: Comfortable for a long dinner, light enough for one hand. | Joined without a single screw.
| Stacks four high and forgives a party.
table: Just right beside a sofa or a bed. | Oiled by hand, with softly rounded edges.
| Put together in five minutes, without tools.
towel: Thick loops that drink water and dry fast. | Gets softer with each wash. | With a loop for the hook.
soap: Cleans gently and does not dry the skin. | Made in small batches, without palm oil. | Smells of lavender and lemon.
plant: Asks for little water and half a window. | Cleans the air and forgives a forgotten week. | Arrives grown and well rooted.
pot: With a hole and a saucer, so that roots stay healthy. | Frost-proof, for balcony and window sill.
| Its rim is easy to grip.
wateringcan: The long spout reaches the last plant. | Pours a fine rain or a steady stream.
| Well balanced, also when it is full.
shirt: A relaxed cut with a soft collar. | Breathes on hot days and needs no iron. | Shell buttons and double seams.
tshirt: Keeps its shape wash after wash. | A straight cut in a heavy, soft jersey. | Knitted and sewn in one town.
trousers: A straight leg that goes with everything. | With deep pockets and a little stretch.
| Made for the bicycle and the office.
dress: Falls lightly and moves with you. | With pockets, at last. | From garden party to evening with a change of shoes.
jacket: Keeps out wind and rain, and packs into its own pocket. | Warm without weight.
| With four pockets and a hood that follows the head.
socks: Warm in winter, cool in summer. | With a soft cuff and a reinforced heel. | Stays up and never pinches.
sneaker: A light sole that springs back. | Made for long days in the city. | Comfortable from the first step.
boot: With a welted sole that can be replaced. | Waterproof, lined and warm. | Grips on snow and wet leaves.
sandal: A footbed that takes the shape of your foot. | Light straps for long summer days. | Easy to put on and hard to take off.
hat: Shade for the whole face. | Folds into the bag and springs back. | Made on a wooden block, by hand.
watch: A clear dial and a strap that ages well. | Waterproof to fifty metres. | Thin enough to slip under a cuff.
sunglasses: Full protection from ultraviolet light. | Polarised, so that water and streets stop glaring.
| Light frames that do not slide.
backpack: With room for a laptop and a weekend. | Padded straps and a rain cover in the bottom. | Carries well all day long.
handbag: Big enough for a book, small enough for the theatre. | With an inner pocket that locks.
| Made from a single piece, with a long strap.
bottle: Keeps drinks cold for a day and hot for a night. | Never leaks, not even upside down in a bag. | Opens with one hand.
tent: Pitches in four minutes and stands in a storm. | With two doors and a dry place for boots.
| Light enough to forget on your back.
sleepingbag: Warm down to freezing, small in the pack. | With a hood and a zip that does not catch.
| Can be opened into a blanket.
ball: Keeps its air for months. | Flies straight and feels soft. | For the park, the hall and the beach.
dumbbell: With a grip that does not slip. | Does not roll away. | Sold singly, coated to spare the floor.
yogamat: Does not slide, also when hands get warm. | Soft for the knees, firm for the feet.
| Rolls up tight and comes with a strap.
book: A story that is hard to put down. | Warm, clever and a little sad. | With a map on the inside of the cover.
notebook: Opens flat; its paper takes ink without bleeding. | A dotted page for plans and drawings.
| With a ribbon and a pocket.
pen: Writes at once, even after weeks. | Well balanced, with a fine nib. | Takes cartridges or ink from the bottle.
teddy: Soft enough to sleep on. | Sewn for years of love; goes through the wash. | Sits, listens and keeps secrets.
headphones: Quiets the train and keeps the music. | Thirty hours on one charge. | Light, with cushions that can be changed.
speaker: A small box with a large sound. | Plays in the rain and floats in the pool.
| Two of them find each other and play in stereo.
"""
FEATURES: dict[str, tuple[str, ...]] = {
    line.split(": ", 1)[0]: tuple(line.split(": ", 1)[1].split(" | ")) for line in _SAID.strip().replace("\n|", " |").splitlines()
}

CHINESE_FEATURES: dict[str, str] = {
    "coffee": "小批量烘焙，带有可可与榛子的香气。", "tea": "整片茶叶，手工采摘，回甘悠长。",
    "mug": "手工上釉，保温又顺手。",
    "teapot": "出水顺畅，不滴漏，适合四人饮茶。", "lamp": "光线柔和不刺眼，适合书桌和床头。",
    "cushion": "柔软有弹性，外套可拆洗。",
    "vase": "适合插一枝花，也适合一大束。", "chair": "久坐舒适，一只手就能搬动。", "plant": "好养护，净化空气。",
    "shirt": "宽松剪裁，夏天透气。", "tshirt": "面料厚实柔软，久洗不变形。", "dress": "轻盈飘逸，还有口袋。",
    "jacket": "防风防雨，轻便保暖。", "sneaker": "鞋底轻弹，走一天也不累。", "hat": "遮阳透气，可折叠收纳。",
    "watch": "表盘清晰，防水五十米。", "backpack": "可放笔记本电脑，周末出行也够用。", "bottle": "保冷一天，保温一夜，不漏水。",
    "tent": "四分钟搭好，风雨中也稳固。", "yogamat": "防滑柔软，保护膝盖。", "book": "一个让人放不下的故事。",
    "notebook": "可以平摊，纸张不洇墨。", "teddy": "柔软亲肤，可以水洗。", "headphones": "降噪安静，续航三十小时。",
}  # fmt: skip
CHINESE_COLOURS: dict[str, str] = {
    "black": "黑色", "white": "白色", "grey": "灰色", "red": "红色", "orange": "橙色", "yellow": "黄色", "green": "绿色",
    "teal": "青色", "blue": "蓝色", "purple": "紫色", "pink": "粉色", "brown": "棕色", "beige": "米色",
}  # fmt: skip
CHINESE_LINES = ("青山", "春溪", "云上", "南风", "松间", "月白", "听雨", "小满")

LINES = (
    "Harbour", "Meadow", "Alder", "Lofoten", "Juniper", "Saltmarsh", "Linnet", "Ember", "Tarn", "Bracken", "Solstice",
    "Pebble", "Foxglove", "Northlight", "Orchard", "Cobble", "Heron", "Marlow", "Saffron", "Thistle", "Windrose", "Clover",
)  # fmt: skip

BOOK_TITLES = (
    "The Quiet Harbour", "A Map of Small Hours", "The Lighthouse Ledger", "Seven Winters in Tarn", "The Clockmaker's Orchard",
    "Salt and Starlight", "The Last Ferry North", "What the Heron Knew", "Letters from the Dry Sea", "The Paper Astronomer",
    "Beneath the Copper Bridge", "An Almanac of Doors", "The Botanist's Secret", "Night Train to Alder",
)  # fmt: skip
