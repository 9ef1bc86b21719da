"""What counts as a word."""

from __future__ import annotations

import unicodedata

import pytest

from aisle.errors import Misconfigured
from aisle.tasks.search.words import Analyser, fold, language_of, words


@pytest.mark.parametrize(
    ("one", "other", "shared"),
    [
        ("500 GB", "500gb", "500gb"),
        ("500-gb", "500GB", "500gb"),
        ("13.3\"", "13.3 inch", "13.3inch"),
        ("15,6 cm", "15.6cm", "15.6"),
        ("1,000 pieces", "1000", "1000"),
        ("Wi-Fi", "wifi", "wifi"),
        ("WH-1000XM5", "wh1000xm5", "wh1000xm5"),
        ("Café", "cafe", "cafe"),
        ("ＦＵＬＬ", "full", "full"),
    ],
)  # fmt: skip
def test_different_spellings_share_a_word(one: str, other: str, shared: str) -> None:
    assert shared in words(one) and shared in words(other)


@pytest.mark.parametrize("text", ["Élan vital", "한국어 가방", "ガギグゲゴ", "crème brûlée", "Å ring"])
def test_composed_and_decomposed_are_the_same(text: str) -> None:
    assert words(unicodedata.normalize("NFC", text)) == words(unicodedata.normalize("NFD", text)) != []


def test_scripts_without_spaces_become_pairs() -> None:
    assert words("红色连衣裙 nike") == ["红色", "色连", "连衣", "衣裙", "nike"]
    assert words("裙") == ["裙"]


def test_markup_is_no_text() -> None:
    assert words("<b onclick='x'>Bold</b>&nbsp;move <script>") == ["bold", "move"]


@pytest.mark.parametrize(
    "text", ["\x00", "\ud800", "\u202e", "🦊🦊", "a" * 100_000, "-" * 1000, "1," * 500, "<" * 3000, "&" * 3000]
)
def test_anything_is_read(text: str) -> None:
    assert all(len(word) <= 130 for word in words(text))


def test_stems_meet_and_languages_are_told() -> None:
    english = Analyser("english")
    assert english.terms("Running shoes") == english.terms("run shoe")
    assert language_of(["Das Kleid ist für den Sommer und von hoher Qualität"]) == "german"
    assert language_of(["", "123"]) == "english" and fold("ÀÉ") == "ae"
    with pytest.raises(Misconfigured, match="choose one of"):
        Analyser("klingon")
