"""Times as files write them, to microseconds UTC: ISO, seconds to microseconds, 12/1/2010 8:26, 1.12.2010 08:26."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime

from aisle.errors import BadInput
from aisle.times import AHEAD, DAY, EARLIEST, to_micros

_ZERO = datetime(1970, 1, 1)  # naive on purpose: the fast path has no offsets
_SLASHED = re.compile(r"(\d{1,2})([/.])(\d{1,2})\2(\d{4})(?:,?[ T]+(\d{1,2}):(\d{2})(?::(\d{2}))?\s*([AaPp][Mm])?)?")
_LOOSE_OFFSET = re.compile(r"\s+([+-]\d{2}:?\d{2})$")


class Moments:
    """Reads the times of one column. 3/4/2026 means two days, so cells like 25/4/2026 decide; months first where none does."""

    def __init__(self, now: int) -> None:
        self._now = now
        self._day_first: bool | None = None

    def learn(self, texts: Iterable[str]) -> None:
        """Look at more cells of the column before they are read."""
        if self._day_first is not None:
            return
        for text in texts:
            found = _SLASHED.fullmatch(text.strip()) if "/" in text else None
            if found and (int(found[1]) > 12) != (int(found[3]) > 12):
                self._day_first = int(found[1]) > 12
                return

    def read(self, text: str) -> int:
        """Microseconds UTC; no offset means UTC. Raises BadInput with a reason that does not repeat the text."""
        try:
            moment = _fast(text)
        except ValueError:
            moment = self._slow(text.strip())
        if moment < EARLIEST:
            raise BadInput("time lies before 1990")
        if moment > self._now + AHEAD:
            raise BadInput("time lies in the future")
        return moment

    def _slow(self, text: str) -> int:
        found = _SLASHED.fullmatch(text)
        try:
            if found:
                return self._slashed(found)
            return to_micros(_LOOSE_OFFSET.sub(r"\1", text))
        except (BadInput, ValueError, OverflowError) as error:
            early = isinstance(error, BadInput) and "1990" in error.detail
            raise BadInput("time lies before 1990" if early else "time cannot be read (send ISO 8601 or epoch numbers)") from None

    def _slashed(self, found: re.Match[str]) -> int:
        first, mark, second, year, hour, minute, seconds, half = found.groups()
        day_first = mark == "." or bool(self._day_first)
        day, month = (first, second) if day_first else (second, first)
        clock = int(hour or 0)
        if half:
            clock = clock % 12 + (12 if half.lower() == "pm" else 0)
        moment = datetime(int(year), int(month), int(day), clock, int(minute or 0), int(seconds or 0))
        return _since_1970(moment)


def _fast(text: str) -> int:
    """The two common forms: "2026-10-02T07:15:00[Z]" and whole epoch numbers. ValueError for all else."""
    if len(text) == 20 and text[19] == "Z":
        text = text[:19]
    if len(text) == 19 and text[4] == "-" and text[10] in "T " and text[16] == ":":
        return _since_1970(datetime.fromisoformat(text))
    if len(text) == 10 and text.isdecimal() and text.isascii():
        return int(text) * 1_000_000
    if len(text) == 13 and text.isdecimal() and text.isascii():
        return int(text) * 1_000
    if len(text) == 16 and text.isdecimal() and text.isascii():
        return int(text)
    raise ValueError(text)


def _since_1970(moment: datetime) -> int:
    passed = moment - _ZERO
    return passed.days * DAY + passed.seconds * 1_000_000 + passed.microseconds
