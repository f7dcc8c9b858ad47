"""The columns of a table of watched runs, on the Runs screen and in `fmnist-tui watch`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from fmnist_tui.analysis.watched_runs import Average, WatchedRun, best_validation, mean_test_accuracy
from fmnist_tui.runs.status import Status
from fmnist_tui.text import counted, percent, rough_duration, safe
from fmnist_tui.tui.cells import cells, cut, pad

GAP = "  "
_LONGEST = 30
"""Cells of a status and of a label."""
_ALWAYS = 2
"""The run and its status are never left out."""


@dataclass(frozen=True)
class Column:
    """A column: its heading, and whether its values are numbers, which are aligned to the right."""

    heading: str
    is_number: bool = False


COLUMNS = (
    Column("run"),
    Column("status"),
    Column("epoch", is_number=True),
    Column("val acc", is_number=True),
    Column("best", is_number=True),
    Column("test", is_number=True),
    Column("time left", is_number=True),
    Column("recipe"),
    Column("seed", is_number=True),
    Column("label"),
    Column("CPUs", is_number=True),
    Column("GPU", is_number=True),
)
"""In the order of importance: the last ones are left out where there is no room."""
HEADER = tuple(column.heading for column in COLUMNS)
STATUS = HEADER.index("status")


_CELLS: WeakKeyDictionary[WatchedRun, tuple[str, ...]] = WeakKeyDictionary()
"""What was written, for as long as the run is shown like that."""


def cells_of(one: WatchedRun) -> tuple[str, ...]:
    """A run's values below `HEADER`."""
    if one not in _CELLS:
        _CELLS[one] = _cells(one)
    return _CELLS[one]


def _cells(one: WatchedRun) -> tuple[str, ...]:
    run, last, best, used, left = one.run, one.last, one.best, one.used, one.seconds_left
    return (
        run.run_id,
        cut(safe(run.damage or run.short_status), _LONGEST),
        "" if run.status is Status.UNREADABLE else f"{run.epochs_done}/{run.manifest.epochs or '?'}",
        percent(last.validation_accuracy) if last else "",
        percent(best.validation_accuracy) if best else "",
        percent(run.test_accuracy),
        rough_duration(left) if left else "",
        run.marked_recipe,
        "" if run.seed is None else str(run.seed),
        cut(run.label, _LONGEST),
        f"{used.process_cpus:.1f}" if used else "",
        percent(used.gpu, 0) if used else "",
    )


@dataclass(frozen=True)
class Layout:
    """The columns that are shown.

    Attributes:
        columns: Their positions in `COLUMNS`.
        widths: Cells of each of `COLUMNS`.
    """

    columns: tuple[int, ...]
    widths: tuple[int, ...]

    @classmethod
    def fitting(cls, rows: Iterable[Sequence[str]], width: int) -> Layout:
        """The most important columns that have a value in one of the rows and fit `width` cells."""
        by_column = [*zip(HEADER, *rows, strict=True)]
        widths = tuple(max(map(cells, column)) for column in by_column)
        used = [number for number, column in enumerate(by_column) if number < _ALWAYS or any(column[1:])]
        found: list[int] = []
        room = width
        for column in used:
            room -= widths[column] + (len(GAP) if found else 0)
            if room < 0 and column >= _ALWAYS:
                break
            found.append(column)
        return cls(tuple(found), widths)

    def padded(self, row: Sequence[str]) -> list[tuple[int, str]]:
        """The position of each column that is shown, and its cell, as wide as the column."""
        return [(column, self._padded(column, row[column])) for column in self.columns]

    def _padded(self, column: int, value: str) -> str:
        width = self.widths[column]
        return f"{' ' * (width - cells(value))}{value}" if COLUMNS[column].is_number else pad(value, width)


def group_headings(key: Sequence[str], runs: Sequence[WatchedRun]) -> tuple[str, ...]:
    """A group as text: "v3 tuned: 5 runs, best 93.10% (92.90% to 93.30%), test 92.80%"; then shorter and shorter."""
    parts = [counted(len(runs), "run"), _mean("best", best_validation(runs)), _mean("test", mean_test_accuracy(runs))]
    known = [*filter(None, parts)]
    name = safe(" ".join(key))
    return tuple(f"{name}: {', '.join(known[:count])}" for count in range(len(known), 0, -1))


def _mean(name: str, found: Average | None) -> str:
    if found is None:
        return ""
    interval = found.interval
    between = f" ({percent(interval.low)} to {percent(interval.high)})" if interval else ""
    return f"{name} {percent(found.mean)}{between}"


def summary(runs: Iterable[WatchedRun]) -> str:
    """How many there are: "12 runs: 3 running, 1 queued, 8 finished"; what goes on first, as the end may be cut off."""
    states = Counter(one.run.status for one in runs)
    order = sorted(states, key=lambda status: (status.order, -states[status]))
    listed = ", ".join(f"{states[status]} {status}" for status in order)
    return f"{counted(states.total(), 'run')}{': ' if listed else ''}{listed}"
