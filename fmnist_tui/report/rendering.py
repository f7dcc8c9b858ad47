"""Figures as bytes: matplotlib without its global state and the user's styles, the same on every machine."""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from fmnist_tui.paths import cache_folder, user_folder, writing_fault

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DOTS_PER_INCH = 150
_FONT = "DejaVu Sans"  # comes with matplotlib
_OWN_STYLE = {"font.family": _FONT, "svg.hashsalt": "fmnist-tui", "axes.spines.top": False, "axes.spines.right": False}
_ONE_AT_A_TIME = threading.RLock()


@contextmanager
def house_style() -> Iterator[None]:
    """A context for building and rendering figures in this program's style, whatever matplotlibrc says.

    One thread at a time: matplotlib's settings are those of the whole process.
    """
    _find_folder_for_matplotlib()
    from matplotlib import style

    with _ONE_AT_A_TIME, style.context(["default", _OWN_STYLE]):
        yield


def _find_folder_for_matplotlib() -> None:
    """Matplotlib caches fonts; without a usable home it would warn on standard error, where the app draws."""
    usual = [folder.parent / "matplotlib" if (folder := user_folder(kind)) else None for kind in ("config", "cache")]
    if "MPLCONFIGDIR" not in os.environ and any(folder is None or writing_fault(folder) for folder in usual):
        os.environ["MPLCONFIGDIR"] = str(cache_folder() / "matplotlib")


def to_png(figure: Figure) -> bytes:
    """The figure as a PNG with 150 dots per inch."""
    return _rendered(figure, "png", {})


def to_svg(figure: Figure) -> bytes:
    """The figure as an SVG; the bytes are reproducible."""
    return _rendered(figure, "svg", {"Date": None})


def drawable(text: str) -> str:
    """`text` with "?" for each character that the font lacks, of which matplotlib would warn; line breaks stay.

    Draw it with `parse_math=False`, so that a dollar sign isn't markup.
    """
    from matplotlib.font_manager import findfont, get_font

    known = get_font(findfont(_FONT)).get_charmap()
    return "".join(
        character if character == "\n" or (character.isprintable() and ord(character) in known) else "?"
        for character in text
    )


def _rendered(figure: Figure, kind: str, metadata: dict[str, str | None]) -> bytes:
    buffer = io.BytesIO()
    with house_style():
        figure.savefig(buffer, format=kind, dpi=DOTS_PER_INCH, metadata=metadata)
    return buffer.getvalue()
