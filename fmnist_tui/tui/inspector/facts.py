"""The title, and the text below the image: its class, the prediction, and the likeliest classes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from rich.text import Text
from textual.geometry import Size
from textual.theme import Theme

from fmnist_tui.models.looks import look_of
from fmnist_tui.runs.run import Run
from fmnist_tui.text import percent
from fmnist_tui.tui.cells import cells, cut, distinct, pad, wrap
from fmnist_tui.tui.themes import model_colour, theme_colour
from fmnist_tui.tui.widgets.bars import bar

_NUMBER = 8
_LONGEST = 11


def heading(run: Run, title: str, theme: Theme) -> Text:
    """For example `◆ v3 tuned · seed 0 · test image 9,334`."""
    mark = f"{look_of(run.version).marker} {run.version}"
    details = " · ".join(filter(None, (run.label, run.marked_recipe, f"seed {run.seed}", title)))
    return Text.assemble((mark, model_colour(run.version, theme)), f" {details}")


def facts_text(
    names: Sequence[str],
    label: int | None,
    probabilities: NDArray[np.float32] | None,
    space: Size,
    theme: Theme,
) -> Text:
    """True and predicted class, and a bar for as many of the likeliest classes as there is room for.

    The true class is one of them if the prediction is wrong.

    Args:
        names: The names of the classes.
        label: The true class, or None.
        probabilities: (classes,), or None until they are known.
        space: Cells and lines.
        theme: For the colours.
    """
    width = max(8, space.width)
    lines = [Text(line) for line in wrap(f"true {names[label]}", width)] if label is not None else []
    if probabilities is None:
        return Text("\n").join(lines)
    predicted = int(probabilities.argmax())
    wrong = label is not None and label != predicted
    colour = theme_colour("error" if wrong else "success", theme) if label is not None else ""
    confidence = percent(float(probabilities[predicted]))
    verdict = wrap(f"predicted {names[predicted]} {confidence}", width)
    if len(lines) + len(verdict) > space.height > 0:
        lines, verdict = (
            lines[: max(0, space.height - 1)],
            [f"{cut(names[predicted], width - len(confidence) - 1)} {confidence}"],
        )
    lines += [Text(line, style=colour) for line in verdict]
    short = distinct(tuple(names), _LONGEST)
    longest = max(map(cells, short))
    room = max(1, width - longest - _NUMBER - 2)
    order = np.argsort(-probabilities, kind="stable")[: max(0, space.height - len(lines))].tolist()
    if wrong and order and label not in order:
        order[-1] = label
    for one in order:
        fraction = float(probabilities[one])
        line = Text(f"{pad(short[one], longest)} {percent(fraction):>7} ", no_wrap=True)
        shown = "success" if one == label else "error" if one == predicted and wrong else ""
        line.append(bar(fraction, room), style=theme_colour(shown, theme) if shown else "dim")
        lines.append(line)
    return Text("\n").join(lines)
