"""The reliability diagram in text."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import dropwhile

from rich.text import Text

from fmnist_tui.analysis.calibration import Bin, calibration_error

_HEADER = "confidence  images   right    gap  "
_NARROWEST, _WIDEST = 10, 75
# Okabe and Ito's sky blue and vermilion.
_BAR, _MISSING = "#56B4E9", "#D55E00"
_DIAGONAL = "┃"


def reliability_words(bins: Sequence[Bin], width: int) -> Text:
    """A line a bin, the most confident first: a bar for its accuracy, and a stroke where it would be as it believes.

    The strokes are the diagonal. Bins below the least confident image are left out.
    """
    room = min(_WIDEST, max(_NARROWEST, width - len(_HEADER)))
    shown = [*dropwhile(lambda one: one.count == 0, bins)][::-1]
    meaning = f"ECE {calibration_error(bins):.4f}; bar: accuracy, ┃ confidence, ┄ too confident"
    heading = Text(_HEADER + f"0%{'100%':>{room - 2}}", style="dim", no_wrap=True, overflow="crop")
    return Text("\n").join([Text(meaning), heading, *(_line(one, room) for one in shown)])


def _line(one: Bin, room: int) -> Text:
    edges = f"{one.low * 100:3.0f}-{one.high * 100:.0f}%"
    if one.confidence is None or one.accuracy is None:
        return Text(f"{edges:<10} {0:>7}", style="dim", no_wrap=True)
    words = f"{edges:<10} {one.count:>7}  {one.accuracy:6.1%} {one.gap * 100:+6.1f}  "
    return Text.assemble(words, *_bar(one.accuracy, one.confidence, room), no_wrap=True, overflow="crop")


def _bar(accuracy: float, confidence: float, room: int) -> list[tuple[str, str]]:
    """The bar with the stroke in it, or a gap and then the stroke: `━━━━┃━━` or `━━━━┄┄┃`."""
    reached, believed = round(accuracy * room), min(room - 1, round(confidence * room))
    if reached > believed:
        return [("━" * believed, _BAR), (_DIAGONAL, "bold"), ("━" * (reached - believed - 1), _BAR)]
    return [("━" * reached, _BAR), ("┄" * (believed - reached), _MISSING), (_DIAGONAL, "bold")]
