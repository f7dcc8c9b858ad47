"""Images for terminals that show pixels; the one module that needs textual-image, which is an extra."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from rich.console import Console
from rich.segment import Segment
from textual.strip import Strip

from fmnist_tui.tui.terminal_answers import Graphics


@dataclass(frozen=True)
class Sharp:
    """An image as the terminal is to be sent it.

    Attributes:
        overlay: Sequences that draw it where the cursor is, or "".
        rows: Rows of cells that show it; none with an overlay.
        begin: What has to be sent before the rows.
        end: What frees it in the terminal.
    """

    overlay: str = ""
    rows: tuple[Strip, ...] = ()
    begin: str = ""
    end: str = ""


class _Captured(io.StringIO):
    """Is written to in place of the terminal."""

    def fileno(self) -> int:
        return 1


@contextmanager
def _captured() -> Iterator[_Captured]:
    """Where textual-image asks whether there is a terminal, there is none, and what it would send is captured."""
    before, captured = sys.__stdout__, _Captured()
    setattr(sys, "__stdout__", captured)  # noqa: B010 - typed as final
    try:
        yield captured
    finally:
        setattr(sys, "__stdout__", before)  # noqa: B010


with _captured():
    from textual_image._terminal import CellSize, get_cell_size
    from textual_image.renderable import SixelImage, TGPImage


def sharp(colours: NDArray[np.uint8], columns: int, lines: int, graphics: Graphics) -> Sharp:
    """The image in so many cells.

    Args:
        colours: uint8, (height, width, 3).
        columns: Cells of its width.
        lines: Cells of its height.
        graphics: What the terminal can show.
    """
    cell = CellSize(*graphics.cell)
    setattr(get_cell_size, "_result", cell)  # noqa: B010 - where textual-image looks before it asks the terminal
    size = columns * cell.width, lines * cell.height
    pixels = Image.fromarray(colours).resize(size, Image.Resampling.BOX)
    console = Console(file=io.StringIO(), width=columns, height=lines, color_system="truecolor", force_terminal=True)
    if graphics.protocol == "kitty":
        return _kitty(TGPImage(pixels, columns, lines), console)
    segments = SixelImage(pixels, columns, lines).__rich_console__(console, console.options)
    return Sharp(next(one.text for one in segments if isinstance(one, Segment) and one.text.startswith("\x1bP")))


def _kitty(image: TGPImage, console: Console) -> Sharp:
    with _captured() as sent:
        rows = list(Segment.split_lines(console.render(image)))
    number = image.terminal_image_id
    return Sharp(rows=tuple(map(Strip, rows)), begin=sent.getvalue(), end=f"\x1b_Ga=d,d=I,i={number},q=2\x1b\\")
