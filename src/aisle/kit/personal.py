"""Personal data in texts, found by patterns with checksums and masked before anything is stored."""

from __future__ import annotations

import re

EMAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,6}")
IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?\b", re.I)
CARD = re.compile(r"\b\d(?:[ -]?\d){12,18}\b")
PHONE = re.compile(
    r"(?:\+\d{1,3}|\(0?\d{1,5}\)|\b0\d{1,4})(?:[ ./-]?\d){5,12}\b"
    r"|\b\d{3}[-. ]\d{3}[-. ]\d{4}\b"  # of North America
    r"|(?<!\d)1[3-9]\d(?:[ -]?\d{4}){2}(?!\d)"  # a mobile one of China
)
IDENTITY = re.compile(r"(?<!\d)\d{17}[\dXx](?!\d)")  # of a resident of China
ADDRESS = re.compile(
    r"\b\d{1,5}[a-z]? (?:[A-Z][\w'.-]* ){1,4}(?:Street|St|Road|Rd|Avenue|Ave|Lane|Ln|Drive|Boulevard|Court|Place)\b\.?"
    r"|\b[A-ZÄÖÜ][\wäöüß.-]*(?:straße|strasse|str\.|weg|gasse|allee|platz|laan|straat)\s\d{1,4}\s?[a-zA-Z]?\b"
    r"|(?:[\u4e00-\u9fff]{2,8}[省市区县])*[\u4e00-\u9fff]{1,8}[路街道巷弄]\d{1,5}号(?:\d{1,4}[栋幢楼室单元号])*"
)
MASKS = {
    "email": "[email]", "iban": "[account]", "card": "[card]", "phone": "[phone]", "identity": "[identity]",
    "address": "[address]",
}  # fmt: skip


def masked(text: str) -> str:
    """The text with e-mail addresses, account, card and identity numbers (by checksum), telephone numbers and streets with a
    house's number replaced by what they are. Names of people are not found: that takes a model, not a pattern."""
    if "@" in text:
        text = EMAIL.sub(MASKS["email"], text)
    if not any(char.isdigit() for char in text):
        return text
    text = IBAN.sub(lambda found: MASKS["iban"] if is_iban(found[0]) else found[0], text)
    text = IDENTITY.sub(lambda found: MASKS["identity"] if is_identity(found[0]) else found[0], text)
    text = CARD.sub(lambda found: MASKS["card"] if is_card(found[0]) else found[0], text)
    text = ADDRESS.sub(MASKS["address"], text)
    return PHONE.sub(lambda found: found[0] if is_article(found[0]) else MASKS["phone"], text)


def is_card(text: str) -> bool:
    """Luhn's checksum, and not a number of an article (EAN-13 passes it one time in ten)."""
    digits = [int(char) for char in text if char.isdigit()]
    if len(digits) == 13 and is_article(text):
        return False
    doubled = [digit if place % 2 == 0 else digit * 2 - 9 * (digit > 4) for place, digit in enumerate(reversed(digits))]
    return sum(doubled) % 10 == 0


def is_iban(text: str) -> bool:
    """ISO 7064 mod 97-10."""
    plain = text.replace(" ", "").upper()
    if not 15 <= len(plain) <= 34:
        return False
    moved = plain[4:] + plain[:4]
    return int("".join(str(int(char, 36)) for char in moved)) % 97 == 1


def is_identity(text: str) -> bool:
    """A Chinese identity number: ISO 7064 mod 11-2 (GB 11643-1999)."""
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    total = sum(int(char) * weight for char, weight in zip(text[:17], weights, strict=True))
    return "10X98765432"[total % 11] == text[17].upper()


def is_article(text: str) -> bool:
    """A barcode as shoppers type it: 8, 12, 13 or 14 digits without gaps, with the checksum of GTIN."""
    if not text.isdigit() or len(text) not in (8, 12, 13, 14):
        return False
    digits = [int(char) for char in reversed(text)]
    return (sum(digits[0::2]) + 3 * sum(digits[1::2])) % 10 == 0
