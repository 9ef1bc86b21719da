"""Reads a moment said in any of the ways shops say it, as integer microseconds UTC."""

import math
from datetime import UTC, datetime, timedelta

from aisle.errors import BadInput

SECOND = 1_000_000  # microseconds
DAY = 86_400 * SECOND
EARLIEST = 631_152_000 * SECOND  # 1990-01-01: before it, a clock or a unit is wrong
AHEAD = DAY  # how far in the future a clock may be
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def to_micros(value: int | float | str, now: int | None = None) -> int:
    """Microseconds UTC from ISO 8601 (no offset means UTC) or from integer seconds, milliseconds or microseconds.

    The unit of a number is told by its size: all three readings of a date since 1990 lie in ranges that do not meet.
    Raises BadInput for anything else, for dates before 1990, and (where `now` is given) for dates more than a day ahead of it.
    """
    moment = _from_text(value) if isinstance(value, str) else _from_number(value)
    if moment < EARLIEST:
        raise BadInput(f"the time {value!r} lies before 1990: send ISO 8601, or seconds, milliseconds or microseconds since 1970")
    if now is not None and moment > now + AHEAD:
        raise BadInput(f"the time {value!r} lies in the future: check the sender's clock and unit")
    return moment


def to_iso(micros: int) -> str:
    """Microseconds UTC as ISO 8601 with a Z."""
    return (_EPOCH + timedelta(microseconds=micros)).isoformat().replace("+00:00", "Z")


def _from_number(value: int | float) -> int:
    if isinstance(value, bool) or not math.isfinite(value):
        raise BadInput(f"the time {value!r} is not a number of seconds, milliseconds or microseconds since 1970")
    if value < 10**11:  # seconds until the year 5138
        return round(value * SECOND)
    if value < 10**14:  # milliseconds
        return round(value * 1000)
    if value < 10**17:
        return round(value)
    raise BadInput(f"the time {value!r} is too large: send seconds, milliseconds or microseconds since 1970")


def _from_text(value: str) -> int:
    text = value.strip()
    if text.lstrip("-").replace(".", "", 1).isdigit() and len(text) != 8:
        return _from_number(float(text) if "." in text else int(text))
    try:
        moment = datetime.fromisoformat(text.replace(" UTC", "+00:00"))
    except ValueError:
        raise BadInput(f"the time {value!r} is not ISO 8601 (2026-11-24T12:00:00Z)") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - _EPOCH) // timedelta(microseconds=1)
