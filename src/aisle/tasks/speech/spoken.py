"""Text as it is spoken: lower-case letters, spaces and apostrophes; numbers as words. What the acoustic network writes.

English only. `spoken("12 oz. Café Crème, €3.50")` is "twelve ounce cafe creme three fifty euros".
"""

from __future__ import annotations

import re
import unicodedata

ALPHABET = " 'abcdefghijklmnopqrstuvwxyz"  # the network's outputs after the blank, in order

_ONES = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen",
    "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
_TENS = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_SCALES = ((1_000_000_000, "billion"), (1_000_000, "million"), (1_000, "thousand"), (100, "hundred"))
_ORDINALS = {
    "one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth", "nine": "ninth", "twelve": "twelfth",
}  # fmt: skip
_SIGNS = {"&": " and ", "+": " plus ", "%": " percent ", "@": " at ", "=": " equals ", "×": " by ", "°": " degrees "}
_MONEY = {"$": ("dollar", "dollars"), "€": ("euro", "euros"), "£": ("pound", "pounds")}
_UNITS = {
    "oz": "ounce", "ml": "millilitres", "cl": "centilitres", "kg": "kilograms", "cm": "centimetres", "mm": "millimetres",
    "gb": "gigabytes", "tb": "terabytes", "mp": "megapixels", "no": "number", "vol": "volume", "dr": "doctor", "mr": "mister",
}  # fmt: skip
_AMOUNT = re.compile(r"([$€£])\s?(\d[\d,]*)(?:\.(\d{1,2}))?|(\d[\d,]*)(?:[.,](\d{2}))?\s?([€£])")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_ORDINAL = re.compile(r"\b(\d+)(?:st|nd|rd|th)\b")
_THOUSANDS = re.compile(r"\b\d{1,3}(?:,\d{3}){1,3}\b")  # no year is written so
_MEASURE = re.compile(rf"(?<=\d)\s?({'|'.join(key for key in _UNITS if key not in ('no', 'vol', 'dr', 'mr'))})\b")
_TITLE = re.compile(r"\b(no|vol|dr|mr)\.(?=\s)")
_OTHER = re.compile(r"[^a-z' ]+")


def spoken(text: str) -> str:
    """Letters, spaces and apostrophes only, single-spaced; "" where nothing can be said (other scripts, only signs)."""
    plain = unicodedata.normalize("NFKD", text.lower().replace("’", "'"))
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    plain = _AMOUNT.sub(_money, plain)
    plain = _ORDINAL.sub(lambda found: f" {ordinal(int(found[1]))} " if len(found[1]) <= 9 else found[0], plain)
    plain = _THOUSANDS.sub(lambda found: f" {words_of(int(found[0].replace(',', '')))} ", plain)
    plain = _TITLE.sub(lambda found: _UNITS[found[1]], plain)
    plain = _MEASURE.sub(lambda found: f" {_UNITS[found[1]]} ", plain)
    for sign, word in _SIGNS.items():
        plain = plain.replace(sign, word)
    plain = _OTHER.sub(" ", _NUMBER.sub(_digits, plain))
    return " ".join(word.strip("'") for word in plain.split() if word.strip("'"))


def words_of(number: int) -> str:
    """A whole number in words: 1250 is "one thousand two hundred fifty". At most twelve digits; longer ones digit by digit."""
    if number < 0:
        return f"minus {words_of(-number)}"
    if number >= 10**12:
        return " ".join(_ONES[int(digit)] for digit in str(number))
    if number < 20:
        return _ONES[number]
    if number < 100:
        tens, ones = divmod(number, 10)
        return _TENS[tens] + (f" {_ONES[ones]}" if ones else "")
    scale, name = next((scale, name) for scale, name in _SCALES if number >= scale)
    many, rest = divmod(number, scale)
    return f"{words_of(many)} {name}" + (f" {words_of(rest)}" if rest else "")


def ordinal(number: int) -> str:
    """21 is "twenty first"."""
    *head, last = words_of(number).split()
    if last.endswith("y"):
        return " ".join([*head, f"{last[:-1]}ieth"])
    return " ".join([*head, _ORDINALS.get(last, f"{last.removesuffix('e') if last == 'nine' else last}th")])


def _digits(found: re.Match[str]) -> str:
    """A number in words; years from 1100 to 1999 as people say them, what starts with a zero digit by digit."""
    whole, _, part = found[0].partition(".")
    if len(whole) > 12 or (whole.startswith("0") and len(whole) > 1):
        said = " ".join(_ONES[int(digit)] for digit in whole[:40])
    elif not part and 1100 <= int(whole) <= 1999 and int(whole) % 100:
        said = f"{words_of(int(whole) // 100)} {words_of(int(whole) % 100)}"
    else:
        said = words_of(int(whole))
    return f" {said} point {' '.join(_ONES[int(digit)] for digit in part[:12])} " if part else f" {said} "


def _money(found: re.Match[str]) -> str:
    sign = found[1] or found[6]
    whole = int((found[2] or found[4]).replace(",", "")[:12])
    cents = int((found[3] or found[5] or "0").ljust(2, "0"))
    name = _MONEY[sign][0 if whole == 1 and not cents else 1]
    return f" {words_of(whole)} {words_of(cents)} {name} " if cents else f" {words_of(whole)} {name} "
