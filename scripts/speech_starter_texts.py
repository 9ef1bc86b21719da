"""What the starter recogniser's synthetic voices say: orders, shop sentences, catalogue-like titles, numbers, everyday questions.

Everything is drawn from templates in this file, or from plain text files given by the caller (one sentence a line), with a seed.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Sequence

from aisle.demo.assortment import COLOURS, MAKERS
from aisle.demo.words import FEATURES
from aisle.tasks.speech.spoken import spoken, words_of


def _list(text: str) -> list[str]:
    return [part.strip() for part in text.replace("\n", " ").split("|")]


# A coffee shop's way of ordering: the published grammar of spoken orders (Picovoice, Apache-2.0) has these parts.
ASK = _list("""brew|can i get|can i have|i want|get me|give me|i'd like|make me|may i have|i'll have|could i have|i'll take""")
SIZE = _list("""small|medium|large|eight ounce|twelve ounce|sixteen ounce|twenty ounce""")
ROAST = _list("""light roast|medium roast|dark roast""")
SHOTS = _list("""single shot|double shot|triple shot""")
DRINK = _list("""americano|cappuccino|espresso|iced mocha|latte|mocha|coffee|drip coffee|house coffee|iced coffee""")
AMOUNT = _list("""a little bit of|a bit of|some|a lot of|lots of""")
MILK = _list("""milk|skim milk|whole milk|soy milk|almond milk|cream""")
SUGAR = _list("""sugar|brown sugar|sweetener""")

WEAR = _list("""dress|shirt|jacket|coat|sweater|jeans|trousers|skirt|shoes|sneakers|boots|sandals|socks|hat|scarf|gloves|belt
|handbag|backpack|watch|sunglasses|hoodie|blouse|cardigan|suit|pyjamas|swimsuit|t-shirt""")
THINGS = _list("""lamp|table|chair|sofa|cushion|vase|clock|mirror|rug|blanket|towel|pillow|candle|mug|teapot|kettle|pan|knife
|plate|glass|bottle|notebook|pen|book|puzzle|ball|tent|bicycle|helmet|headphones|speaker|phone|laptop|tablet|keyboard
|mouse|camera|charger|cable|monitor|printer|toaster|blender|vacuum|drill|hammer|ladder|plant|pot|soap|shampoo
|perfume|toothbrush|toy|doll|game|coffee|tea|chocolate|honey|bread|cheese|milk|rice|pasta|sauce|juice|water|wine
|apples|bananas|oranges|lemons|tomatoes|potatoes|onions|carrots|eggs|butter|yogurt|cereal""")
LOOKS = _list("""small|large|tiny|big|long|short|wide|narrow|soft|warm|light|heavy|cheap|new|used|plain|striped|dotted|checked
|round|square|folding|wireless|waterproof|organic|wooden|cotton|linen|wool|leather|silk|steel|glass|ceramic|bamboo
|plastic|velvet|denim|recycled|handmade""")
SENTENCES = _list("""add {n} of those to my cart | add {n} {thing} to my basket | put the {look} {thing} in my cart
| remove the {thing} from my cart | show me {look} {thing} | show me {colour} {wear} under {price}
| i am looking for a {colour} {wear} | do you have this {wear} in {colour} | do you have it in size {n}
| i need a {look} {thing} for my kitchen | find a {thing} between {price} and {price} | what does the {thing} cost
| how much is the {colour} {thing} | is the {look} {thing} in stock | when will my order arrive
| where is my order | i want to return my {wear} | cancel my order | cancel order number {digits}
| track parcel {digits} | i would like a refund for the {thing} | compare these two {thing}
| which {thing} is the best for a small room | sort by price | sort by rating please
| only show {wear} made of {look} | cheaper than {price} | open the {look} {thing} | go to my cart | check out now
| pay with my card | use my voucher | my voucher code is {digits} | send it to my home address
| add it to my wish list | what goes with this {wear} | show me something similar | recommend a gift for my sister
| i want {n} {thing} and {n} {thing} | do you ship to france | can i pick it up in the store
| is it available tomorrow | what are your opening hours | call me back please | a {colour} {look} {thing} please
| {maker} {look} {thing} | {maker} {colour} {wear} | the {maker} {thing} in {colour}
| {colour} {look} {wear} size {n} | yes please | no thank you | that's all | the first one | the second one
| the last one | next page | go back | stop | help | start again | more like this | less of that""")
_DRAWS: dict[str, Callable[[random.Random], str]] = {
    "n": lambda draw: words_of(draw.choice([*range(1, 13), *range(1, 6), 20, 36, 38, 40, 42, 44])),
    "thing": lambda draw: draw.choice(THINGS),
    "wear": lambda draw: draw.choice(WEAR),
    "look": lambda draw: draw.choice(LOOKS),
    "colour": lambda draw: draw.choice(list(COLOURS)),
    "maker": lambda draw: draw.choice(list(MAKERS)),
    "price": lambda draw: (
        f"{words_of(draw.choice([draw.randint(1, 99), 5 * draw.randint(1, 40), 100 * draw.randint(1, 9)]))} "
        + draw.choice(["euros", "dollars", "pounds"])
    ),
    "digits": lambda draw: " ".join(words_of(draw.randint(0, 9)) for _ in range(draw.randint(3, 7))),
}
_HOLE = re.compile(r"\{(\w+)\}")


def order(draw: random.Random) -> str:
    """One spoken coffee order: the parts in the orders that the grammar allows."""
    parts = [part for part, often in ((SIZE, 0.6), (ROAST, 0.6), (SHOTS, 0.6)) if draw.random() < often]
    draw.shuffle(parts)
    said = [draw.choice(part) for part in parts] + [draw.choice(DRINK)]
    extras = [f"{draw.choice(AMOUNT)} {draw.choice(part)}" for part in (MILK, SUGAR) if draw.random() < 0.6]
    draw.shuffle(extras)
    start = f"{draw.choice(ASK)} {'an' if said[0][0] in 'aeiou' and draw.random() < 0.8 else 'a'}" if draw.random() < 0.92 else ""
    return f"{start} {' '.join(said)}" + (f" with {' and '.join(extras)}" if extras else "")


def shop(draw: random.Random) -> str:
    """One sentence of a shopper, or a catalogue-like title."""
    template = draw.choice(SENTENCES)
    return _HOLE.sub(lambda hole: _DRAWS[hole[1]](draw), template)


def number(draw: random.Random) -> str:
    """Numbers, prices and amounts."""
    value = draw.choice([draw.randint(0, 20), draw.randint(0, 100), draw.randint(0, 10_000), draw.randint(0, 1_000_000)])
    return draw.choice(
        [words_of(value), _DRAWS["digits"](draw), f"{_DRAWS['n'](draw)} {draw.choice(THINGS)}", _DRAWS["price"](draw)]
    )


def feature(draw: random.Random) -> str:
    """A sentence of a product's description."""
    return draw.choice(draw.choice(list(FEATURES.values())))


def salad(words: Sequence[str], draw: random.Random) -> str:
    """Words in no order: nothing to guess from but the sound."""
    return " ".join(draw.choice(words) for _ in range(draw.randint(2, 7)))


def texts(seed: int, written: Sequence[str], shares: tuple[float, ...] = (0.30, 0.22, 0.08, 0.05, 0.10, 0.25)) -> Iterator[str]:
    """Endless spoken sentences: orders, shop, numbers, descriptions, word salad, the written ones (`shares` of each)."""
    draw = random.Random(seed)
    words = sorted({word for line in written for word in spoken(line).split() if 2 < len(word) < 13} | set(THINGS) | set(WEAR))
    makers = [order, shop, number, feature, lambda draw: salad(words, draw)]
    if written:
        makers.append(lambda draw: draw.choice(written))
    while True:
        said = spoken(draw.choices(makers, shares[: len(makers)])[0](draw))
        if 2 <= len(said) <= 110:
            yield said
