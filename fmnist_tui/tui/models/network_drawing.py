"""A network drawn as blocks, coloured by layer type, with each block's size and its fraction of the parameters."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from rich.text import Text

from fmnist_tui.models.layer_table import Layer, LayerTable
from fmnist_tui.models.spec import ImageShape
from fmnist_tui.text import TIMES
from fmnist_tui.tui.cells import cells, cut, pad


@dataclass(frozen=True)
class LayerType:
    """How layers of a type are drawn.

    Attributes:
        name: For the legend.
        on_dark: Colour on a dark background, `#RRGGBB`.
        on_light: Colour on a light background.
        fill: The character of its blocks; that of stripes differs, for those who can't see colours.
        short: The name in a narrow drawing, "" for the same one.
        is_stripe: Whether it is drawn as a stripe on the block of the layer before it.
    """

    name: str
    on_dark: str
    on_light: str
    fill: str = "█"
    short: str = ""
    is_stripe: bool = False

    def colour(self, *, dark: bool) -> str:
        """The colour on a dark or a light background."""
        return self.on_dark if dark else self.on_light


IMAGE = LayerType("image", "#A3ADBF", "#6B7280")
CONV = LayerType("conv", "#6EA8FE", "#2F62C4")
POOL = LayerType("pool", "#45C4B8", "#14766C")
LINEAR = LayerType("linear", "#B59CFF", "#6A45D0", short="fc")
BATCH_NORM = LayerType("batch norm", "#F0B866", "#8F5B00", "▒", is_stripe=True)
LAYER_NORM = LayerType("layer norm", "#E8D27A", "#6F6400", "▒", is_stripe=True)
DROPOUT = LayerType("dropout", "#F38BA8", "#B02A55", "░", is_stripe=True)
OTHER = LayerType("other", "#C9CDD6", "#4B5160")

_BY_KIND = {
    "conv": CONV,
    "pool": POOL,
    "linear": LINEAR,
    "batchnorm": BATCH_NORM,
    "norm": LAYER_NORM,
    "dropout": DROPOUT,
}
_LABELS = ("", "outputs", "size", "params")
_LABEL_WIDTH = 9
_LONGEST_NAME = 11
_WIDEST = 6
_ARROW = " → "


def layer_type(kind: str) -> LayerType:
    """The type of a layer whose kind is as `Layer.kind` names it."""
    name = kind.partition(" ")[0].lower()
    return next((found for part, found in _BY_KIND.items() if part in name), OTHER)


def drawing(table: LayerTable, image_shape: ImageShape, width: int, *, dark: bool, rows: int = 5) -> Text:
    """Blocks on a common baseline and their captions, a bar of all parameters where there is room, and a legend.

    Args:
        table: The network's layers, for such images.
        image_shape: Channels, height and width.
        width: In cells; blocks that don't fit are drawn below the others.
        dark: Whether the background is.
        rows: Of the tallest block; from ten on, blocks are twice as wide.
    """
    blocks = list(_blocks(table.layers, image_shape))
    style = _fitting_style(blocks, width, _Style(dark, rows, max(1, rows // 5), image_shape[1], table.parameters))
    lines: list[Text] = []
    for band in [blocks] if style.labelled else _bands(blocks, width, style):
        columns = [_column(block, style) for block in band]
        for row in range(rows + len(_LABELS)):
            arrow = style.gap == len(_ARROW) and row == rows
            between = Text.assemble((_ARROW if arrow else " " * style.gap, "dim"))
            line = Text().join(part for column in columns for part in (between, column[row]))[style.gap :]
            if style.labelled or line.plain.strip():
                lines.append(line)
    if style.labelled:
        lines.append(_parameter_bar(blocks, max(line.cell_len for line in lines), style))
        labels = [*[""] * rows, *_LABELS, ""]
        labelled = zip(labels, lines, strict=True)
        lines = [Text.assemble((pad(label, _LABEL_WIDTH), "dim"), line) for label, line in labelled]
    lines += [Text(), *_legend(blocks, width, style)]
    return Text("\n", no_wrap=True).join(lines)


@dataclass(frozen=True)
class _Style:
    """How blocks are drawn: `gap` cells apart, blocks `zoom` times as wide, captions short or not, rows labelled."""

    dark: bool
    rows: int
    zoom: int
    image_height: int
    total: int
    short: bool = True
    gap: int = 1
    labelled: bool = False


@dataclass(frozen=True)
class _Block:
    """A layer's output, and stripes for those that follow it; `count` equal blocks in a row are drawn as one.

    `shape` is (channels, height, width), (units,), or whatever else a module returns.
    """

    type: LayerType
    kind: str
    shape: tuple[int, ...]
    parameters: int = 0
    stripes: tuple[LayerType, ...] = ()
    count: int = 1

    def captions(self, style: _Style) -> tuple[str, str, str, str]:
        """Name, outputs, size, and its parameters as a percentage of all."""
        outputs = str(self.shape[0]) if self.shape else ""
        size = TIMES.join(map(str, self.shape[1:]))
        fraction = self.parameters / max(style.total, 1)
        percentage = "" if not fraction else "<1%" if fraction < 0.01 else f"{fraction:.0%}"
        return self._name(style), outputs, size, percentage

    def _name(self, style: _Style) -> str:
        if self.type is OTHER:
            name = self.kind
        elif style.short:
            name = self.type.short or self.type.name
        else:
            kernel = self.kind.partition(" ")[2] if self.type is CONV else ""
            name = f"{self.type.name} {kernel.replace('x', TIMES)}".rstrip()
        return cut(f"{self.count}{TIMES} {name}" if self.count > 1 else name, _LONGEST_NAME)

    def width(self, style: _Style) -> int:
        return max(*map(cells, self.captions(style)), self.columns(style) + style.zoom * len(self.stripes))

    def columns(self, style: _Style) -> int:
        if self.type is IMAGE:
            return 5 * style.zoom
        by_channels = max(1, round(math.log2(self.shape[0]) / 2)) if len(self.shape) == 3 else 2
        return style.zoom * min(by_channels, _WIDEST)

    def half_rows(self, style: _Style) -> int:
        """Its height: to scale for images, on a logarithmic scale for units."""
        if len(self.shape) == 3:
            part = self.shape[1] / style.image_height
        else:
            part = math.log(max(self.shape[-1] if self.shape else 1, 2), 1024)
        return min(max(1, round(2 * style.rows * part)), 2 * style.rows)


def _blocks(layers: Sequence[Layer], image_shape: ImageShape) -> Iterator[_Block]:
    """The image, and a block for each layer; activations and what only reshapes are left out."""
    found = [_Block(IMAGE, "image", image_shape)]
    for layer in layers:
        kind, last = layer_type(layer.kind), found[-1]
        shape = layer.output_shape or last.shape
        if kind.is_stripe:
            parameters = last.parameters + layer.parameters
            found[-1] = replace(last, stripes=(*last.stripes, kind), parameters=parameters)
        elif kind is not OTHER or layer.parameters or math.prod(shape) != math.prod(last.shape):
            found.append(_Block(kind, layer.kind, shape, layer.parameters))
    for block, equal in groupby(found):
        count = len(list(equal))
        yield replace(block, count=count, parameters=count * block.parameters)


def _fitting_style(blocks: Sequence[_Block], width: int, style: _Style) -> _Style:
    """The roomiest style in which all blocks fit beside each other, else the narrowest."""
    for short, gap, labelled in ((False, 3, True), (False, 2, True), (True, 3, False), (True, 2, False)):
        roomy = replace(style, short=short, gap=gap, labelled=labelled)
        taken = sum(block.width(roomy) + gap for block in blocks) - gap
        if taken + _LABEL_WIDTH * labelled <= width:
            return roomy
    return style


def _bands(blocks: Sequence[_Block], width: int, style: _Style) -> list[list[_Block]]:
    """The blocks in as many rows of blocks as it takes."""
    bands: list[list[_Block]] = []
    room = 0
    for block in blocks:
        if not bands or block.width(style) > room:
            bands.append([])
            room = width
        bands[-1].append(block)
        room -= block.width(style) + style.gap
    return bands


def _column(block: _Block, style: _Style) -> list[Text]:
    """The rows of the block and four of captions, all of the same width."""
    colour = block.type.colour(dark=style.dark)
    height = block.half_rows(style)
    lines = []
    for row in range(style.rows):
        filled = height - 2 * (style.rows - 1 - row)  # half rows, counted from the lower edge of this row
        line = Text((block.type.fill if filled > 1 else "▄" if filled == 1 else " ") * block.columns(style), colour)
        for stripe in block.stripes:
            line.append((stripe.fill if filled > 0 else " ") * style.zoom, stripe.colour(dark=style.dark))
        lines.append(line)
    name, outputs, size, percentage = block.captions(style)
    lines += [Text(name, f"bold {colour}"), Text(outputs), Text(size), Text(percentage, colour)]
    for line in lines:
        line.append(" " * (block.width(style) - line.cell_len))
    return lines


def _parameter_bar(blocks: Sequence[_Block], width: int, style: _Style) -> Text:
    """One bar for all parameters, each block's part in its colour."""
    total = sum(block.parameters for block in blocks)
    bar, done = Text(), 0
    for block in blocks:
        start, done = done, done + block.parameters
        length = round(width * done / total) - round(width * start / total) if total else 0
        bar.append("▄" * length, block.type.colour(dark=style.dark))
    return bar


def _legend(blocks: Sequence[_Block], width: int, style: _Style) -> list[Text]:
    """The types in the drawing, in the order in which they come first."""
    types = dict.fromkeys(kind for block in blocks for kind in (block.type, *block.stripes))
    lines: list[Text] = []
    for kind in types:
        name = f"{kind.name} ({kind.short})" if style.short and kind.short else kind.name
        entry = Text.assemble((kind.fill, kind.colour(dark=style.dark)), (f" {name}", "dim"))
        if lines and lines[-1].cell_len + 2 + entry.cell_len <= width:
            lines[-1].append("  ").append_text(entry)
        else:
            lines.append(entry)
    return lines
