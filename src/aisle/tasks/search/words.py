"""From text to terms: what counts as a word in a product's text and in a question, in any script.

Text is folded (NFKC, case, accents), so that NFC and NFD, full and half width, "É" and "e" are the same. Latin and other spaced
scripts are cut at what is neither letter nor digit and stemmed (Snowball); scripts written without spaces (Chinese, Japanese,
Thai …) become overlapping pairs of characters, as in Lucene's CJKBigram. Numbers keep their decimals and meet their units:
"500 GB", "500gb" and "500-gb" share the term `500gb`; "wi-fi" is also `wifi`, "wh1000xm5" also `wh`, `1000`, `xm`, `5`.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

import Stemmer

from aisle.errors import Misconfigured

LONGEST = 64  # characters of a word; what is longer is cut (a megabyte without spaces is one word)
MOST_PARTS = 5  # parts of a word of letters and digits that are terms of their own
UNSPACED = "぀-ヿ㐀-䶿一-鿿豈-﫿가-힯฀-๿຀-໿က-႟ក-៿\U00020000-\U0003134f"
PIECE = re.compile(rf"[{UNSPACED}]+|\d+(?:[.,]\d+)*|[^\W\d_{UNSPACED}]+(?:['’][^\W\d_{UNSPACED}]+)?|[\"″”]")
QUOTES = frozenset('"″”')
RUN = re.compile(rf"[{UNSPACED}]")
MARKUP = re.compile(r"<[^<>]{0,500}>|&(?:#\d{1,6}|#x[0-9a-f]{1,6}|[a-z]{2,8});", re.I)
SYNONYM_UNITS = {
    '"': "inch", "″": "inch", "”": "inch", "in": "inch", "inches": "inch", "zoll": "inch", "寸": "inch", "英寸": "inch",
    "litre": "l", "liter": "l", "litres": "l", "liters": "l", "watt": "w", "watts": "w", "volt": "v", "volts": "v",
    "gigabyte": "gb", "gigabytes": "gb", "terabyte": "tb", "terabytes": "tb", "megabyte": "mb", "megabytes": "mb",
    "kilogram": "kg", "kilograms": "kg", "gram": "g", "grams": "g", "metre": "m", "meter": "m", "metres": "m", "meters": "m",
    "megapixel": "mp", "megapixels": "mp", "milliliter": "ml", "millilitre": "ml",
}  # fmt: skip
UNITS = frozenset(SYNONYM_UNITS.values()) | {
    "cm", "mm", "km", "mah", "wh", "hz", "khz", "mhz", "ghz", "oz", "lb", "ft", "cl", "dl", "kw", "a", "ma", "ms", "dpi", "rpm",
    "px", "k", "p", "x", "va", "ah", "db", "fps", "mbps", "gbps", "yd", "pcs", "pack",
}  # fmt: skip
LANGUAGES = (*sorted(Stemmer.algorithms()), "none")


def fold(text: str) -> str:
    """Case, width, accents and composition taken away, markup too; combining marks of scripts that need them stay."""
    if "<" in text or "&" in text:
        text = MARKUP.sub(" ", text)
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(char for char in decomposed if not "̀" <= char <= "ͯ")
    return unicodedata.normalize("NFC", plain)


def words(text: str) -> list[str]:
    """The words of a text as they stand, in order, with the compounds that search needs; not yet stemmed."""
    found: list[str] = []
    before: tuple[str, ...] = ()
    for chunk in fold(text).split():
        now = _chunk(chunk) if len(chunk) <= LONGEST else _pieces(chunk)
        if before and now and before[-1][0].isdigit():
            unit = SYNONYM_UNITS.get(now[0], now[0])
            if unit in UNITS:
                found.append(before[-1] + unit)
        found += now
        before = now
    return found


def _pieces(chunk: str) -> tuple[str, ...]:
    """The words of a text without spaces: its pieces, and what stood together as one word beside its parts."""
    found: list[str] = []
    run: list[str] = []  # pieces without a gap: "1000", "xm", "5"
    group: list[str] = []  # the same with hyphens between: "wh", "1000", "xm", "5"
    ended = -2
    for match in PIECE.finditer(chunk):
        piece, start = match[0], match.start()
        if start != ended:
            last = _whole(run, found)
            if start != ended + 1 or chunk[ended] != "-":
                _whole(group, found, last)
        ended = match.end()
        if RUN.match(piece):
            found += pairs(piece)
            continue
        if piece in QUOTES:
            if run and run[-1][0].isdigit():
                found.append(run[-1] + "inch")
            continue
        piece = number(piece) if piece[0].isdigit() else piece[:LONGEST].replace("’", "'")
        if run and run[-1][0].isdigit() and piece in SYNONYM_UNITS:
            found.append(run[-1] + SYNONYM_UNITS[piece])
        found.append(piece)
        run.append(piece)
        group.append(piece)
    last = _whole(run, found)
    _whole(group, found, last)
    return tuple(found)


_chunk = lru_cache(1 << 18)(_pieces)


def _whole(parts: list[str], found: list[str], last: int = 0) -> int:
    """What stood together, as one word beside its parts; how many parts. A group of only its `last` run is there already."""
    count = len(parts)
    if count != last and 1 < count <= MOST_PARTS:
        found.append("".join(parts)[:LONGEST])
    parts.clear()
    return count


def number(digits: str) -> str:
    """ "1,000" and "1.000.000" without their groups, "15,6" as "15.6"."""
    parts = re.split(r"[.,]", digits[:LONGEST])
    if len(parts) == 1:
        return parts[0]
    if all(len(part) == 3 for part in parts[1:]) and len(parts[0]) <= 3 and parts[0] != "0":
        return "".join(parts)
    return ".".join(parts)


def pairs(run: str) -> list[str]:
    """Overlapping pairs of characters; a single one stands for itself."""
    return [run[place : place + 2] for place in range(len(run) - 1)] or [run]


class Analyser:
    """Words to terms in one language; remembers what it has stemmed."""

    def __init__(self, language: str) -> None:
        if language not in LANGUAGES:
            raise Misconfigured(f"search has no stemmer for {language!r}: choose one of {', '.join(LANGUAGES)}")
        self._stem = Stemmer.Stemmer(language, 0).stemWord if language != "none" else str
        self.term = lru_cache(1 << 17)(self._term)

    def _term(self, word: str) -> str:
        if not word.isalpha() or len(word) < 3:
            return word.removesuffix("'s")
        return str(self._stem(word))

    def terms(self, text: str) -> list[str]:
        """The terms of a text, in order."""
        term = self.term
        return [term(word) for word in words(text)]


_COMMON = {
    "english": "the and with for of in to is your from this that on by",
    "german": "der die das und mit für von ist den ein eine auf zu im",
    "french": "le la les et avec pour de des est une un dans sur du",
    "spanish": "el la los las y con para de es una un en del por",
    "italian": "il la le gli e con per di è una un in della dei",
    "dutch": "de het een en met voor van is op te in zijn je door",
    "portuguese": "o a os as e com para de é uma um em da do",
    "swedish": "och med för av är en ett på i den det som till från",
}
COMMON = {name: frozenset(fold(text).split()) for name, text in _COMMON.items()}


def language_of(texts: list[str]) -> str:
    """The language whose common words are most frequent; english where none is."""
    seen = [word for text in texts for word in fold(text).split()]
    counts = {name: sum(word in common for word in seen) for name, common in COMMON.items()}
    best = max(counts, key=lambda name: (counts[name], name == "english"))
    return best if counts[best] > counts["english"] else "english"
