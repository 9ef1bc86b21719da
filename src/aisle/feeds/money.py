"""Prices as shops write them, to whole minor units: "39.00 EUR", "€ 1.234,56", "¥1,200". Never through a float."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal

from aisle.errors import BadInput

ZERO_DECIMALS = frozenset(
    ["BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF"]
)
THREE_DECIMALS = frozenset(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"])
SYMBOLS = {
    "€": "EUR",
    "£": "GBP",
    "¥": "JPY",
    "₩": "KRW",
    "₹": "INR",
    "zł": "PLN",
    "Kč": "CZK",
    "₺": "TRY",
    "₫": "VND",
    "₴": "UAH",
}
SHARED = {  # symbols of several currencies: the shop's own where it is one of them, else the first
    "$": ("USD", "CAD", "AUD", "NZD", "SGD", "HKD", "MXN", "ARS", "CLP", "COP", "TWD"),
    "kr": ("SEK", "NOK", "DKK", "ISK"),
}
CODE = re.compile(r"(?<![A-Za-z])[A-Z]{3}(?![A-Za-z])")
NUMBER = re.compile(r"[+-]?(\d[\d.,]*|[.,]\d+)([eE][+-]?\d{1,2})?")
SPACES = str.maketrans("", "", " '\u00a0\u202f\u2009’")
LONGEST = 30  # characters of a number


class Numbers:
    """Reads the numbers of one column. "1.299" means two things, so the column's unambiguous cells decide."""

    def __init__(self) -> None:
        self.mark = "."  # the decimal mark
        self._votes = {".": 0, ",": 0}

    def learn(self, texts: Iterable[str]) -> None:
        """Look at more cells of the column before they are read; the first clear majority stays."""
        if any(self._votes.values()):
            return
        for text in texts:
            mark = evidence(text)
            if mark:
                self._votes[mark] += 1
        if self._votes[","] > self._votes["."]:
            self.mark = ","

    def read(self, text: str) -> Decimal:
        """The exact number. Raises BadInput where it is none."""
        plain = text.translate(SPACES)
        if len(plain) > LONGEST or not NUMBER.fullmatch(plain):
            raise BadInput("is not a number")
        if plain[-1] in ".," and not plain[:-1].isdecimal():
            raise BadInput("is not a number")
        if "e" in plain or "E" in plain:
            plain = plain.replace(",", ".")
        elif "," in plain or plain.count(".") > 1 or self.mark == ",":
            mark = evidence(plain) or self.mark
            plain = plain.replace("," if mark == "." else ".", "").replace(",", ".")
        if plain.count(".") > 1:
            raise BadInput("is not a number")
        return Decimal(plain)


def evidence(text: str) -> str:
    """The decimal mark this one number proves, or "" where it could be read both ways."""
    dots, commas = text.count("."), text.count(",")
    if dots and commas:
        return "." if text.rfind(".") > text.rfind(",") else ","
    mark, count = (".", dots) if dots else (",", commas)
    other = "," if mark == "." else "."
    if count != 1:
        return other if count else ""
    before, _, after = text.partition(mark)
    digits = sum(letter.isdigit() for letter in after)
    whole = "".join(letter for letter in before if letter.isdigit())
    return mark if digits != 3 or len(whole) > 3 or whole in ("", "0") else ""


def minor_digits(currency: str) -> int:
    """Decimals of the currency's minor unit (ISO 4217): 2 for EUR, 0 for JPY, 3 for KWD."""
    return 0 if currency in ZERO_DECIMALS else 3 if currency in THREE_DECIMALS else 2


class Prices:
    """Reads the prices of one column, as {"amount": minor units, "currency": ISO code}."""

    def __init__(self, currency: str) -> None:
        self.currency = currency
        self.numbers = Numbers()

    def learn(self, texts: Iterable[str]) -> None:
        self.numbers.learn(texts)

    def read(self, text: str, currency: str | None = None) -> dict[str, object]:
        """Raises BadInput ("price is negative", "price is not a number")."""
        number, found = self._split(text)
        code = found or currency or self.currency
        try:
            value = self.numbers.read(number)
        except BadInput:
            raise BadInput("price is not a number") from None
        if value < 0:
            raise BadInput("price is negative")
        return {"amount": int((value * 10 ** minor_digits(code)).to_integral_value(ROUND_HALF_UP)), "currency": code}

    def _split(self, text: str) -> tuple[str, str | None]:
        """The number and the currency it names."""
        named = CODE.search(text)
        if named:
            return text.replace(named.group(), "", 1).strip(), named.group()
        for symbol, code in SYMBOLS.items():
            if symbol in text:
                return text.replace(symbol, "", 1).strip(), code
        for symbol, codes in SHARED.items():
            if symbol in text:
                return text.replace(symbol, "", 1).strip(" ."), self.currency if self.currency in codes else codes[0]
        return text.strip(), None
