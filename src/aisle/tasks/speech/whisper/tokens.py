"""Whisper's tokens: what stands for a language, a task, a time; the prompt that begins a window; text from tokens."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from aisle.errors import BadInput, Misconfigured

PROMPT = 223  # tokens that may be said before a window: half of the decoder's 448, less the mark before them
WITHOUT_SPACES = frozenset({"zh", "ja", "th", "lo", "my", "yue"})  # each character counts as a word
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"  # what half a character decodes to


class Tokens:
    """The tokeniser of one model folder."""

    def __init__(self, file: Path) -> None:
        from tokenizers import Tokenizer

        try:
            self._tokenizer: Any = Tokenizer.from_file(str(file))
        except Exception as error:  # noqa: BLE001 (the library raises plain Exception)
            raise Misconfigured(f"{file} is not a tokeniser: pull the model again ({error})") from None
        self.start = self.special("startoftranscript")
        self.end = self.special("endoftext")
        self.transcribe = self.special("transcribe")
        self.without_times = self.special("notimestamps")
        self.before = self.special("startofprev")

    def special(self, name: str) -> int:
        """The number of `<|name|>`. Raises Misconfigured where there is none."""
        found: int | None = self._tokenizer.token_to_id(f"<|{name}|>")
        if found is None:
            raise Misconfigured(f"this tokeniser has no <|{name}|>: it is not Whisper's")
        return found

    def language(self, code: str) -> int:
        """The token of a language. Raises BadInput."""
        found: int | None = self._tokenizer.token_to_id(f"<|{code}|>")
        if found is None:
            raise BadInput(f"this model does not know the language {code!r}: use a code like en, de, fr", param="/language")
        return found

    def prompt(self, language: str | None, hints: Sequence[str] = ()) -> list[int]:
        """What the decoder is given before it writes: the hints as if they had been said before, then what to do.

        `language` None is for models that know English only, which have no tokens for languages and tasks.
        """
        begin = [self.start]
        if language is not None:
            begin += [self.language(language), self.transcribe]
        begin.append(self.without_times)
        words = self.hinted(hints)
        return [self.before, *words, *begin] if words else begin

    def hinted(self, hints: Sequence[str]) -> list[int]:
        """The hints as one sentence, as many as there is room for, the first ones first."""
        kept: list[int] = []
        for place, hint in enumerate(hints):
            more = self.encode((" " if place == 0 else ", ") + hint.strip())
            if len(kept) + len(more) > PROMPT:
                break
            kept += more
        return kept

    def encode(self, text: str) -> list[int]:
        found: list[int] = self._tokenizer.encode(text, add_special_tokens=False).ids
        return found

    def text(self, tokens: Sequence[int]) -> str:
        """The text of tokens, marks left out."""
        found: str = self._tokenizer.decode([token for token in tokens if token < self.end], skip_special_tokens=False)
        return found

    def words(self, tokens: Sequence[int], language: str | None) -> list[tuple[str, list[int]]]:
        """Tokens gathered into words, each with the space before it and the marks that touch it; joined they are the text."""
        units = self._characters(tokens)
        if language in WITHOUT_SPACES:
            return units
        words: list[tuple[str, list[int]]] = []
        for text, own in units:
            if words and not text.startswith(" "):
                words[-1] = (words[-1][0] + text, [*words[-1][1], *own])
            else:
                words.append((text, own))
        return words

    def _characters(self, tokens: Sequence[int]) -> list[tuple[str, list[int]]]:
        """The smallest runs of tokens that are whole characters: a character may be spread over several tokens."""
        units: list[tuple[str, list[int]]] = []
        held: list[int] = []
        for token in tokens:
            held.append(token)
            text = self.text(held)
            if REPLACEMENT not in text:
                units.append((text, held))
                held = []
        return [*units, (self.text(held), held)] if held else units
