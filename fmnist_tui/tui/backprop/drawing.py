"""One operation as text: its operands and its result as miniatures in signed colours, with numbers where they fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from rich.text import Text

from fmnist_tui.inspection.backprop import Floats, Operand, Operation, Walk, sub
from fmnist_tui.models.spec import ImageShape
from fmnist_tui.tui.cells import cells, cut, distinct, pad
from fmnist_tui.tui.widgets.value_maps import Palette, draw, legend, scale_of, short_number, strongest

_LISTED = 12
"""Vectors of so many values are listed as numbers."""
_CAPTION = 2
"""Lines above each miniature."""
_GAP, _LEAST, _MOST = 2, 8, 60
"""Cells between two miniatures, and of a miniature."""


@dataclass(frozen=True)
class Classes:
    """The classes of the vectors that have a value for each.

    Attributes:
        names: In their order.
        first: Their positions, the most important first: where not all fit, these are shown, in every vector.
    """

    names: Sequence[str]
    first: Sequence[int]

    @classmethod
    def of(cls, names: Sequence[str], walk: Walk) -> Classes:
        """The true class and the predicted one first, the others by their probability."""
        likeliest = np.argsort(-walk.probabilities, kind="stable").tolist()
        return cls(names, [walk.label, *(index for index in likeliest if index != walk.label)])


def draw_operation(
    operation: Operation, classes: Classes, shape: ImageShape, width: int, height: int, palette: Palette
) -> Text:
    """The operands side by side and, after an arrow, the result.

    Args:
        operation: What is drawn.
        classes: Beside vectors that have a value for each.
        shape: Channels, height and width of the image.
        width: Cells.
        height: Lines, at least five.
        palette: For the values.
    """
    shown = [*operation.operands, operation.result]
    room = min(_MOST, (width - 2) // len(shown) - _GAP)
    blocks = [_block(operand, classes, shape, max(_LEAST, room), height - _CAPTION, palette) for operand in shown]
    widths = [max(line.cell_len for line in block) for block in blocks]
    lines: list[Text] = []
    for row in range(max(map(len, blocks))):
        line = Text(no_wrap=True, end="")
        for number, (block, wide) in enumerate(zip(blocks, widths, strict=True)):
            if number == len(blocks) - 1:
                line.append("→ " if row == 0 else "  ")
            cell = block[row] if row < len(block) else Text()
            line.append_text(cell).append(" " * (wide - cell.cell_len + _GAP))
        line.truncate(width)
        lines.append(line)
    return Text("\n", no_wrap=True, end="").join(lines)


def _block(
    operand: Operand, classes: Classes, shape: ImageShape, width: int, height: int, palette: Palette
) -> list[Text]:
    """A caption, the range of the values, and the values."""
    values = operand.values
    size = "x".join(map(str, values.shape))
    captions = [Text(cut(f"{operand.symbol}  {size}".rstrip(), width), style="bold")]
    if not values.ndim:
        return [*captions, Text(f"{float(values):.4g}")]
    if values.ndim == 1 and len(values) <= _LISTED:
        of_classes = len(values) == len(classes.names)
        names = classes.names if of_classes else [str(index) for index in range(len(values))]
        first = classes.first if of_classes else range(len(values))
        kept = sorted(first[: max(1, height + _CAPTION - 1)])
        return [*captions, *_listed(values, names, kept, width, palette)]
    between = f"{short_number(float(values.min()))} to {short_number(float(values.max()))}"
    if cells(between) > width:
        between = f"up to ±{short_number(float(np.abs(values).max()))}"
    captions.append(Text(cut(between, width), style="dim"))
    image = _as_image(operand, shape)
    rows, columns = min(image.shape[0], 2 * height), min(image.shape[1], width)
    small = image[np.arange(rows) * len(image) // rows][:, np.arange(columns) * image.shape[1] // columns]
    times = max(1, min(2 * height // rows, width // columns, 2))
    return [*captions, *draw(small.repeat(times, axis=0).repeat(times, axis=1), scale_of([image]).limit, palette)]


def _listed(values: Floats, names: Sequence[str], rows: Sequence[int], width: int, palette: Palette) -> list[Text]:
    """A line for each of these values, coloured by its sign."""
    room = width - 8
    wide = min(room, max(map(cells, names))) if room >= 4 else 0
    short, lines = distinct(tuple(names), wide), []
    for index in rows:
        value = float(values[index])
        style = "" if palette.signs or not value else (palette.positive if value > 0 else palette.negative)[-1]
        name = pad(short[index], wide)
        lines.append(Text(f"{name} ").append(f"{_number(value):>7}", style))
    return lines


def _as_image(operand: Operand, shape: ImageShape) -> Floats:
    """A matrix as it is, pixels as their image, other vectors wrapped to about twice as wide as high."""
    values = operand.values
    if values.ndim == 2:
        return values
    if operand.is_image:
        pixels: Floats = strongest(values.reshape(1, *shape))[0]
        return pixels
    columns = max(1, round((2 * len(values)) ** 0.5))
    padded = np.zeros(-(-len(values) // columns) * columns, np.float32)
    padded[: len(values)] = values
    return padded.reshape(-1, columns)


def _number(value: float) -> str:
    if not 0.00005 <= abs(value) < 1000:
        return f"{value:+.1e}" if value else "0"
    return f"{value:+.4f}" if abs(value) < 10 else f"{value:+.2f}"


def scale_line(operation: Operation, palette: Palette) -> Text:
    """The legend of the result, whose colours end at its own largest value, as do each operand's; none of a number."""
    values = operation.result.values
    if not values.ndim:
        return Text()
    return Text.assemble((f"{operation.result.symbol}: ", "dim"), legend(scale_of([values]), palette), end="")


def layer_name(operation: Operation, width: int) -> str:
    """The layer that an operation belongs to: its number, symbol and tensors; if narrow, those alone."""
    if operation.layer is None:
        return ""
    tensors = f"layers.{operation.layer}"
    whole = f"layer {operation.layer + 1} ({sub('W', operation.layer)}, {tensors})"
    return whole if cells(whole) <= width else tensors
