"""What a run's trainers used of their machines, as charts over time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from textual.app import ComposeResult
from textual.containers import Container
from textual.content import Content
from textual.theme import Theme
from textual.widgets import Static

from fmnist_tui.runs.curve import ResourceCurve
from fmnist_tui.runs.fold import Sample
from fmnist_tui.text import amount, percent
from fmnist_tui.tui.base_screens import DIALOG_CSS, Dialog
from fmnist_tui.tui.themes import chart_colours, theme_colour
from fmnist_tui.tui.widgets.chart import Chart
from fmnist_tui.tui.widgets.drawing import Axes, Floats, Series

_GIGABYTE = 1e9
NONE = "Nothing was logged: runs of a few seconds, and those of versions before 0.2.0, have none"


def charts_of(curve: ResourceCurve, theme: Theme) -> dict[str, tuple[Axes, tuple[Series, ...]]]:
    """The charts by their titles; those of a GPU only where there was one. x is in minutes since the first sample."""
    minutes = (curve.time - curve.time[0]) / 60
    process, gpu = theme_colour("primary", theme), theme_colour("success", theme)

    def one(name: str, y: Floats, colour: str, end: str) -> Series:
        return Series(name, minutes, y, colour, end=end)

    memory = [one("trainer", curve.process_memory / _GIGABYTE, process, amount(curve.process_memory[-1]))]
    has_gpu = bool(np.isfinite(curve.gpu_memory).any() or np.isfinite(curve.gpu).any())
    if has_gpu and np.isfinite(curve.gpu_memory[-1]):
        memory.append(one("GPU", curve.gpu_memory / _GIGABYTE, gpu, amount(curve.gpu_memory[-1])))
    found: dict[str, tuple[Series, ...]] = {
        "CPUs of the trainer": (one("", curve.process_cpus, process, f"{curve.process_cpus[-1]:.1f}"),),
        "GPU utilisation": (one("", curve.gpu, gpu, percent(float(curve.gpu[-1]), 0)),),
        "Memory, GB": tuple(memory),
        "CPU of the machine": (one("", curve.machine_cpu, process, percent(float(curve.machine_cpu[-1]), 0)),),
    }
    if not np.isfinite(curve.gpu).any():
        del found["GPU utilisation"]
    return {title: (_axes(title, minutes, series, theme), series) for title, series in found.items()}


def _axes(title: str, minutes: Floats, series: Sequence[Series], theme: Theme) -> Axes:
    is_fraction = title in ("GPU utilisation", "CPU of the machine")
    highest = 1.0 if is_fraction else max(1e-3, *(float(np.nanmax(one.y)) for one in series)) * 1.1
    return Axes((0.0, max(1.0, float(minutes[-1]))), (0.0, highest), percent=is_fraction, **chart_colours(theme))


class ResourcesDialog(Dialog[None]):
    """The charts of one run, as they were when it was opened."""

    CSS_PATH = [DIALOG_CSS, "resources.tcss"]

    def __init__(self, title: str, samples: Sequence[Sample]) -> None:
        super().__init__()
        self._heading = title
        self._curve = ResourceCurve.of(samples)

    def compose(self) -> ComposeResult:
        """A chart for each measure."""
        with Container(classes="dialog large") as dialog:
            dialog.border_title = Content(f"Machine use: {self._heading}")
            dialog.border_subtitle = "escape: back"
            if not len(self._curve):
                yield Static(NONE)
                return
            for title, (axes, series) in charts_of(self._curve, self.app.current_theme).items():
                chart = Chart(title)
                chart.axis_label, chart.axes, chart.series = "minute", axes, series
                yield chart
