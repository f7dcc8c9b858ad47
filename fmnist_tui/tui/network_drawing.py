"""A network drawn small: a block for each stage of its data, as high as the picture, as wide as it has channels."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from rich.text import Text

from fmnist_tui.models.layers import Layer

_ROWS = 5
_SIDE = 28
_KINDS = {"Conv": "conv", "MaxPool": "pool", "Linear": "fc"}


@dataclass(frozen=True)
class _Stage:
    """What the data is after a layer: (channels, side, side), or (units,); and whether dropout follows."""

    kind: str
    shape: tuple[int, ...]
    drops: bool = False

    @property
    def rows(self) -> int:
        share = self.shape[1] / _SIDE if len(self.shape) == 3 else math.log(self.shape[0], 1024)
        return max(1, round(share * _ROWS))

    @property
    def columns(self) -> int:
        if self.kind == "image":
            return _ROWS
        return max(1, round(math.log2(self.shape[0]) / 2)) if len(self.shape) == 3 else 1

    @property
    def words(self) -> tuple[str, ...]:
        size = f"{self.shape[1]}x{self.shape[2]}" if len(self.shape) == 3 else ""
        return self.kind, str(self.shape[0]), size, "drop" if self.drops else ""


def drawing(layers: tuple[Layer, ...]) -> Text:
    """Blocks on a common ground; below them kind, channels or units, size, and where dropout follows.

    43 cells wide at most.
    """
    stages = [_Stage("image", (1, _SIDE, _SIDE))]
    for layer in layers:
        kind = layer.kind.partition(" ")[0]
        if kind in _KINDS:
            stages.append(_Stage(_KINDS[kind], layer.output_shape))
        elif kind == "Dropout":
            stages[-1] = replace(stages[-1], drops=True)
    columns = [_column(stage) for stage in stages]
    lines = [" ".join(column[row] for column in columns).rstrip() for row in range(len(columns[0]))]
    return Text("\n".join(lines), no_wrap=True)


def _column(stage: _Stage) -> list[str]:
    width = max(*map(len, stage.words), stage.columns)
    blocks = ["█" * stage.columns if row >= _ROWS - stage.rows else "" for row in range(_ROWS)]
    return [line.ljust(width) for line in (*blocks, *stage.words)]
