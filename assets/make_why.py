"""Draws why CNNs win: `python assets/make_why.py [FILE]`.

v0 and v1 on shifted test images, as measured on the reference runs of the recipe origin, which trains neither of them
on shifted images.
"""

from __future__ import annotations

import sys
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fmnist_tui.analysis.comparison import compare
from fmnist_tui.analysis.probes.cache import read_findings
from fmnist_tui.analysis.probes.shifts import MAX_SHIFT, Shifts
from fmnist_tui.models.looks import look_of
from fmnist_tui.models.registry import find_model
from fmnist_tui.report.rendering import house_style, to_svg
from fmnist_tui.runs.run import read_runs
from fmnist_tui.tui.themes import THEMES, faded

SVG = Path(__file__).parent / "why.svg"
RUNS = Path(__file__).parent / "reference" / "runs"
MODELS = ("v0", "v1")
RECIPE = "origin"
DARK = THEMES[0]
FOREGROUND, BACKGROUND = DARK.foreground or "white", DARK.background or "black"
GRID = faded(FOREGROUND, DARK, 0.15)


def measured() -> dict[str, Shifts]:
    """The shifts of each model's best reference run under RECIPE."""
    runs = read_runs(RUNS)
    best = {one.version: one.best_run for one in compare(runs, RECIPE).versions}
    found = {run.version: read_findings(run).shifts for run in runs if run.run_id in best.values()}
    return {model: shifts for model in MODELS if (shifts := found[model])}


def figure(found: dict[str, Shifts]) -> Figure:
    """A line for each model, its mean over four directions; the band goes from the worst direction to the best."""
    with house_style():
        drawn = Figure(figsize=(8, 3.8), layout="constrained", facecolor=BACKGROUND)
        axes = drawn.subplots()
        for model, shifts in found.items():
            _draw(axes, model, shifts)
        title = "Accuracy on shifted test images (neither model was trained on shifted images)"
        axes.set_title(title, color=FOREGROUND, fontsize=11, loc="left", pad=10)
        axes.set_xlabel("shift in pixels; line: mean of four directions, band: worst to best", color=FOREGROUND)
        axes.set_xlim(-0.3, MAX_SHIFT + 1.05)
        axes.set_xticks(range(MAX_SHIFT + 1))
        axes.set_ylim(20, 101)
        axes.yaxis.set_major_formatter("{x:.0f}%")
        axes.set_facecolor(BACKGROUND)
        axes.grid(color=GRID)
        axes.set_axisbelow(True)
        axes.tick_params(colors=FOREGROUND, length=0)
        axes.spines[:].set_visible(False)
    return drawn


def _draw(axes: Axes, model: str, shifts: Shifts) -> None:
    look, pixels = look_of(model), range(MAX_SHIFT + 1)
    by_shift = [[100 * fraction for fraction in part] for part in zip(*shifts.directions, strict=True)]
    mean = [100 * fraction for fraction in shifts.mean]
    axes.fill_between(pixels, list(map(min, by_shift)), list(map(max, by_shift)), color=look.on_dark, alpha=0.13, lw=0)
    axes.plot(pixels, mean, look.line, color=look.on_dark, marker=look.mark, linewidth=2.2, markersize=7)
    for shift in (0, 2):
        above = 9 if model == MODELS[-1] else -17
        axes.annotate(
            f"{mean[shift]:.2f}%",
            (shift, mean[shift]),
            xytext=(0, above),
            textcoords="offset points",
            ha="center",
            color=look.on_dark,
            fontweight="bold",
        )
    spec = find_model(model)
    name = f"{model} {spec.title}" if spec else model
    axes.text(MAX_SHIFT + 0.12, mean[-1], f"{name}\n{mean[-1]:.2f}%", color=look.on_dark, va="center")


if __name__ == "__main__":
    (Path(sys.argv[1]) if len(sys.argv) > 1 else SVG).write_bytes(to_svg(figure(measured())))
