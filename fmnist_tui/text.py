"""Words and numbers as people read them; text from files made safe to show."""

from __future__ import annotations

import math


def decoded(text: str) -> str:
    """`text` with the bytes put together again that Python couldn't decode by a locale's encoding, if they are UTF-8.

    Arguments and names of files come in so where the locale is C. Bytes of no encoding stay as they are.
    """
    if text.isascii():
        return text
    try:
        return text.encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # half a character of a JSON file
        return text


def safe(text: object) -> str:
    """`text` on one line: a space for every line break, escape code, invisible control and undecodable byte."""
    return "".join(letter if letter.isprintable() else " " for letter in decoded(str(text)))


def percent(share: object, digits: int = 2) -> str:
    """93.19 % for 0.9319, an empty string for what is no number."""
    return f"{share * 100:.{digits}f} %" if isinstance(share, int | float) and not isinstance(share, bool) else ""


def grouped(count: float) -> str:
    """60 000; what is no whole number is rounded to one."""
    return f"{count:,.0f}".replace(",", " ")


def counted(count: int, noun: str) -> str:
    """1 run, 2 runs."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def duration(seconds: float) -> str:
    """4.2 s, 3 min 05 s, 2 h 10 min."""
    if not math.isfinite(seconds):
        return "?"
    if round(seconds, 1) < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def megabytes(count: float) -> str:
    """12.3 MB."""
    return f"{count / 1e6:.1f} MB"


def amount(count: float) -> str:
    """Bytes as 12.3 MB or 4.5 GB."""
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else megabytes(count)
