"""v0 to v3 as bars: what each version reached, and what the origin reported."""

from __future__ import annotations

import math

from rich.text import Text

from fmnist_tui.analysis.comparison import Comparison
from fmnist_tui.analysis.differences import Difference
from fmnist_tui.analysis.wording import doubt
from fmnist_tui.text import percent
from fmnist_tui.tui.comparison_words import MUTED
from fmnist_tui.tui.widgets.histogram import bar

_STEP = 0.05
_WORDS = 40
_NARROWEST, _WIDEST = 10, 60


def evolution(comparison: Comparison, width: int) -> Text:
    """Two bars a version. They begin below the lowest figure, as the words above say, so that steps can be seen."""
    if not comparison.versions:
        return Text("Nothing to compare yet: train a version (2), or press f for runs that don't count", style="dim")
    figures = [(one.test_accuracy.mean, one.reported.accuracy) for one in comparison.versions]
    start = max(0.0, math.floor(min(map(min, figures)) / _STEP - 0.5) * _STEP)
    room = min(_WIDEST, max(_NARROWEST, width - _WORDS))
    lines = [Text(f"Accuracy; the bars begin at {percent(start, 0)} and end at 100 %", style="dim")]
    for one in comparison.versions:
        ours, theirs = one.test_accuracy.mean, one.reported.accuracy
        lines += [
            Text(),
            Text.assemble(
                (f"{one.version}  ours    ", "bold"),
                bar(_share(ours, start), room),
                f" {percent(ours)}{'*' * bool(one.marked)}",
                _step(one.step),
            ),
            Text.assemble(("    origin  ", "dim"), (bar(_share(theirs, start), room), "dim"), f" {percent(theirs)}"),
        ]
    return Text("\n").join(lines)


def _step(step: Difference | None) -> Text:
    """From the version before; muted where it may be chance, or nothing tells whether it is."""
    if step is None:
        return Text()
    words = f" {step.value * 100:+.2f}{doubt(step)}"
    return Text(words, style="" if step.may_be_chance is False else MUTED)


def _share(accuracy: float, start: float) -> float:
    return (accuracy - start) / (1 - start)
