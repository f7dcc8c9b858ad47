"""The figure of accuracy over shift, and where an export puts it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from fmnist_tui.analysis.probes.kept import read_findings
from fmnist_tui.analysis.probes.shifts import LARGEST, Shifts
from fmnist_tui.analysis.record import RunRecord
from fmnist_tui.analysis.rendering import drawable, house_style, to_png, to_svg

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAME = "shift_accuracy"

# Okabe and Ito's palette, which colour-blind people tell apart; marks and lines differ as well.
_STYLES = (
    ("#0072B2", "o", "-"),
    ("#D55E00", "s", "--"),
    ("#009E73", "^", "-."),
    ("#CC79A7", "D", ":"),
    ("#E69F00", "v", "-"),
    ("#56B4E9", "P", "--"),
    ("#000000", "X", "-."),
)


def shift_figure(found: Mapping[str, Shifts], title: str) -> Figure:
    """A line for each run over the shift, the mean of the four directions; behind it, from the worst to the best.

    Args:
        found: By what the legend calls each run.
        title: One or more lines, drawn letter by letter.
    """
    from matplotlib.figure import Figure

    pixels = range(LARGEST + 1)
    with house_style():
        figure = Figure(figsize=(8, 5), layout="constrained")
        axes = figure.subplots()
        figure.suptitle(drawable(title), parse_math=False)
        for place, (name, shifts) in enumerate(found.items()):
            colour, mark, line = _STYLES[place % len(_STYLES)]
            by_shift = [[100 * share for share in part] for part in zip(*shifts.directions, strict=True)]
            axes.fill_between(pixels, list(map(min, by_shift)), list(map(max, by_shift)), color=colour, alpha=0.12)
            mean = [100 * share for share in shifts.mean]
            axes.plot(pixels, mean, line, color=colour, marker=mark, label=drawable(name.lstrip("_")))
        axes.set_xlabel("shift (pixels); the band goes from the worst direction to the best", fontsize=9)
        axes.set_ylabel("accuracy on the test images (%)", fontsize=9)
        axes.set_xticks(pixels)
        axes.grid(alpha=0.25)
        if found:
            for entry in axes.legend(frameon=False, loc="best").get_texts():
                entry.set_parse_math(False)
    return figure


def shift_files(records: Sequence[RunRecord], title: str = "") -> dict[str, bytes]:
    """The figure of the runs whose shifts are kept, as PNG and SVG by their names; none where there are none."""
    found = [(record, shifts) for record in records if (shifts := read_findings(record).shifts)]
    versions = [record.version for record, _ in found]
    named = {
        record.version if versions.count(record.version) == 1 else record.run_id: shifts
        for record, shifts in sorted(found, key=lambda one: one[0].run_id)
    }
    if not named:
        return {}
    figure = shift_figure(named, title or "Accuracy on shifted test images")
    return {f"{NAME}.png": to_png(figure), f"{NAME}.svg": to_svg(figure)}
