"""Personal data in texts, found by patterns with checksums and masked before anything is stored."""

from __future__ import annotations

import re

EMAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,6}")
IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?\b", re.I)
CARD = re.compile(r"\b\d(?:[ -]?\d){12,18}\b")
PHONE = re.compile(r"(?:\+\d{1,3}|\(0?\d{1,5}\)|\b0\d{1,4})(?:[ ./-]?\d){5,12}\b")
MASKS = {"email": "[email]", "iban": "[account]", "card": "[card]", "phone": "[phone]"}


def masked(text: str) -> str:
    """The text with e-mail addresses, account and card numbers (by checksum) and telephone numbers replaced by what they are."""
    if "@" in text:
        text = EMAIL.sub(MASKS["email"], text)
    if not any(char.isdigit() for char in text):
        return text
    text = IBAN.sub(lambda found: MASKS["iban"] if is_iban(found[0]) else found[0], text)
    text = CARD.sub(lambda found: MASKS["card"] if is_card(found[0]) else found[0], text)
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


def is_article(text: str) -> bool:
    """A barcode as shoppers type it: 8, 12, 13 or 14 digits without gaps, with the checksum of GTIN."""
    if not text.isdigit() or len(text) not in (8, 12, 13, 14):
        return False
    digits = [int(char) for char in reversed(text)]
    return (sum(digits[0::2]) + 3 * sum(digits[1::2])) % 10 == 0
