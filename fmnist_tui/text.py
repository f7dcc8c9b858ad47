"""Numbers and durations formatted for people; text from files made safe to show."""

from __future__ import annotations

import math

TIMES = "\N{MULTIPLICATION SIGN}"
_MOST_DIGITS = 9


def decoded(text: str) -> str:
    """`text` with surrogate-escaped bytes decoded as UTF-8, or unchanged where they are not UTF-8.

    Under the C locale Python passes on arguments and file names with such bytes.
    """
    if text.isascii():
        return text
    try:
        return text.encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # a lone surrogate, from a JSON file
        return text


def safe(text: object) -> str:
    """`text` on one line: line breaks, control and invisible characters, and undecodable bytes become spaces."""
    shown = decoded(str(text))
    return shown if shown.isprintable() else "".join(one if one.isprintable() else " " for one in shown)


def small_number(text: str) -> int | None:
    """The whole number that a text of one to nine digits is; None for any other text.

    `int` refuses a text of more than 4,300 digits with an error of its own.
    """
    is_number = text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS
    return int(text) if is_number else None


def percent(fraction: object, digits: int = 2) -> str:
    """93.19% for 0.9319; an empty string for anything but a number."""
    if isinstance(fraction, bool) or not isinstance(fraction, int | float):
        return ""
    return f"{fraction:.{digits}%}"


def points(difference: float) -> str:
    """A difference of two fractions in percentage points: +1.62 for 0.0162."""
    return f"{difference * 100:+.2f}"


def grouped(count: float) -> str:
    """60,000; rounded to an integer."""
    return f"{count:,.0f}"


def counted(count: int, noun: str) -> str:
    """1 run, 2,584 images."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def duration(seconds: float) -> str:
    """4.2 s, 3 min 05 s, 2 h 10 min; "?" for infinity and NaN."""
    if not math.isfinite(seconds):
        return "?"
    if round(seconds, 1) < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def rough_duration(seconds: float) -> str:
    """40 s, 7 min, 2 h 10 min: for estimates, which change with every look; "?" for infinity and NaN."""
    if not math.isfinite(seconds):
        return "?"
    if seconds < 60:
        return f"{max(5 * round(seconds / 5), 5)} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(5 * round(minutes / 5), 60)
    return f"{hours} h {minutes:02d} min" if minutes else f"{hours} h"


def abbreviated(count: float) -> str:
    """640, 267k, 5.9M, 11.1M."""
    for divisor, unit in ((1e9, "G"), (1e6, "M")):
        if count >= 0.9995 * divisor:
            return f"{count / divisor:.1f}{unit}"
    return f"{count / 1e3:.0f}k" if count >= 999.5 else f"{count:.0f}"


def megabytes(count: float) -> str:
    """Bytes as 12.3 MB."""
    return f"{count / 1e6:.1f} MB"


def amount(count: float) -> str:
    """Bytes as "12.3 MB" or "4.5 GB"."""
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else megabytes(count)
