"""The table of `fmnist-tui watch`, as lines of text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.text import Text

from fmnist_tui.analysis.watched_runs import Average, WatchedRun, best_validation, mean_test_accuracy
from fmnist_tui.runs.run import Run
from fmnist_tui.runs.status import Status
from fmnist_tui.text import counted, percent, rough_duration, safe
from fmnist_tui.tui.cells import cells, cut, pad

_GAP = "  "
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
_LONGEST = 30
"""Cells of a status and of a label."""


@dataclass(frozen=True)
class _Column:
    """A column: its heading, and whether its values are numbers, which are aligned to the right."""

    heading: str
    is_number: bool = False


_COLUMNS = (
    _Column("run"),
    _Column("status"),
    _Column("epoch", is_number=True),
    _Column("validation", is_number=True),
    _Column("best", is_number=True),
    _Column("test", is_number=True),
    _Column("time left", is_number=True),
    _Column("CPUs", is_number=True),
    _Column("GPU", is_number=True),
    _Column("recipe"),
    _Column("seed", is_number=True),
    _Column("label"),
)
"""In the order of importance: the last ones are left out where there is no room."""


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
    rows = {id(one): _row(one) for runs in groups.values() for one in runs}
    header = tuple(column.heading for column in _COLUMNS)
    widths = [max(map(cells, column)) for column in zip(header, *rows.values(), strict=True)]
    used = [number for number, column in enumerate(zip(*rows.values(), strict=True)) if number < 2 or any(column)]
    columns = _fitting(used, widths, width)
    lines: list[Text] = []
    for key, group in groups.items():
        runs = sorted(group, key=lambda one: not one.run.status.has_trainer)
        lines += [Text(cut(_heading(key, runs), width), "bold")] if key else []
        lines += [_line(rows[id(one)], columns, widths, width, _STYLES.get(one.run.status, "dim")) for one in runs]
    top = [_line(header, columns, widths, width, "bold")]
    bottom = [Text(cut(safe(fault) or _summary(groups), width), "red" if fault else "dim")]
    if height is not None and len(lines) + 2 > height:
        left = max(0, height - 3)
        bottom.insert(
            0, Text(cut(f"... {counted(len(lines) - left, 'more line')}; --filter shows fewer", width), "dim")
        )
        lines = lines[:left]
    return [*top, *lines, *bottom]


def line_of(one: WatchedRun) -> str:
    """A run's state as one line: "v1-...  running, epoch 3/10, validation 91.42%"."""
    run, last = one.run, one.last
    validation = f"validation {percent(last.validation_accuracy)}" if last else ""
    test = f"test {percent(run.test_accuracy)}" if run.test_accuracy is not None else ""
    return f"{run.run_id}  {', '.join(filter(None, [safe(run.progress), validation, test]))}"


def _row(one: WatchedRun) -> tuple[str, ...]:
    run, last, best, used = one.run, one.last, one.best, one.used
    left = one.seconds_left
    return (
        run.run_id,
        cut(safe(_status(run)), _LONGEST),
        "" if run.status is Status.UNREADABLE else f"{run.epochs_done}/{run.manifest.epochs or '?'}",
        percent(last.validation_accuracy) if last else "",
        percent(best.validation_accuracy) if best else "",
        percent(run.test_accuracy),
        rough_duration(left) if left else "",
        f"{used.process_cpus:.1f}" if used else "",
        percent(used.gpu, 0) if used else "",
        run.marked_recipe,
        "" if run.seed is None else str(run.seed),
        cut(run.label, _LONGEST),
    )


def _status(run: Run) -> str:
    return run.damage or run.short_status


def _fitting(columns: Sequence[int], widths: Sequence[int], width: int) -> list[int]:
    """The first of these columns that fit; the run and its status always."""
    found: list[int] = []
    room = width
    for column in columns:
        room -= widths[column] + (len(_GAP) if found else 0)
        if room < 0 and column > 1:
            break
        found.append(column)
    return found


def _line(row: Sequence[str], columns: Sequence[int], widths: Sequence[int], width: int, style: str) -> Text:
    line = Text(no_wrap=True)
    for column in columns:
        space = " " * (widths[column] - cells(row[column]))
        value = space + row[column] if _COLUMNS[column].is_number else pad(row[column], widths[column])
        line.append(_GAP if line else "")
        line.append(value, style if style == "bold" or _COLUMNS[column].heading == "status" else "")
    line.truncate(width)
    return line


def _heading(key: tuple[str, ...], runs: Sequence[WatchedRun]) -> str:
    """A group as text: "v3 tuned: 5 runs, best validation 93.10% (92.90% to 93.30%), test 92.80%"."""
    parts = [
        counted(len(runs), "run"),
        _mean("best validation", best_validation(runs)),
        _mean("test", mean_test_accuracy(runs)),
    ]
    return f"{safe(' '.join(key))}: {', '.join(filter(None, parts))}"


def _mean(name: str, found: Average | None) -> str:
    if found is None:
        return ""
    interval = found.interval
    return f"{name} {percent(found.mean)}" + (
        f" ({percent(interval.low)} to {percent(interval.high)})" if interval else ""
    )


def _summary(groups: Mapping[tuple[str, ...], Sequence[WatchedRun]]) -> str:
    """12 runs: 3 running, 1 queued, 8 finished."""
    states = Counter(str(one.run.status) for runs in groups.values() for one in runs)
    listed = ", ".join(f"{count} {status}" for status, count in states.most_common())
    return f"{counted(states.total(), 'run')}{': ' if listed else ''}{listed}"
