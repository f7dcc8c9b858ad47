"""The table of `fmnist-tui watch`, as lines of text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.text import Text

from fmnist_tui.analysis.watched_runs import WatchedRun
from fmnist_tui.runs.status import Status
from fmnist_tui.text import counted, percent, safe
from fmnist_tui.tui.cells import cut, fitting
from fmnist_tui.tui.workspace.columns import GAP, HEADER, STATUS, Layout, cells_of, group_headings, summary

_STYLES = {
    Status.RUNNING: "green",
    Status.UNRESPONSIVE: "yellow",
    Status.QUEUED: "yellow",
    Status.PAUSED: "blue",
    Status.STOPPED: "blue",
    Status.INTERRUPTED: "red",
    Status.FAILED: "red",
    Status.UNREADABLE: "red",
}


def table_lines(
    groups: Mapping[tuple[str, ...], Sequence[WatchedRun]], width: int, height: int | None = None, fault: str = ""
) -> list[Text]:
    """A heading, a line for each run, for each group a line with its means, and at the end how many there are.

    Within a group, runs that have a trainer or wait for one come first.

    Args:
        groups: The runs; a group without a name is not headed.
        width: Cells of a line; columns that don't fit are left out.
        height: Lines in all, None for as many as it takes.
        fault: Why the folder can't be read now, or "".
    """
    every = [one for runs in groups.values() for one in runs]
    layout = Layout.fitting(map(cells_of, every), width)
    lines: list[Text] = []
    for key, runs in groups.items():
        lines += [Text(cut(fitting(group_headings(key, runs), width), width), "bold")] if key else []
        ordered = sorted(runs, key=lambda one: one.run.status.order)
        lines += [_line(cells_of(one), layout, width, _STYLES.get(one.run.status, "dim")) for one in ordered]
    bottom = [Text(cut(safe(fault) or summary(every), width), "red" if fault else "dim")]
    if height is not None and len(lines) + 2 > height:
        left = max(0, height - 3)
        more = f"... {counted(len(lines) - left, 'more line')}; --filter shows fewer"
        bottom.insert(0, Text(cut(more, width), "dim"))
        lines = lines[:left]
    heading = _line(HEADER, layout, width, "bold")
    heading.stylize("bold")
    return [heading, *lines, *bottom]


def line_of(one: WatchedRun) -> str:
    """A run's state as one line: "v1-...  running, epoch 3/10, validation 91.42%"."""
    run, last = one.run, one.last
    validation = f"validation {percent(last.validation_accuracy)}" if last else ""
    test = f"test {percent(run.test_accuracy)}" if run.test_accuracy is not None else ""
    return f"{run.run_id}  {', '.join(filter(None, [safe(run.progress), validation, test]))}"


def _line(row: Sequence[str], layout: Layout, width: int, status_style: str) -> Text:
    parts = [(value, status_style if column == STATUS else "") for column, value in layout.padded(row)]
    line = Text(GAP, no_wrap=True).join(Text(value, style) for value, style in parts)
    line.truncate(width)
    return line
