"""Measures row after row; one that fails takes no other with it."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Generic, TypeVar

import click

from benchmarks.bench import Bench
from benchmarks.measured import Measured
from benchmarks.target import TARGETS

T = TypeVar("T")
Rows = Iterator[tuple[str, Callable[[], Measured]]]
"""Keys of rows, each with what measures it."""


@dataclass(frozen=True)
class Failed:
    """A row that could not be measured.

    Attributes:
        why: In a line.
    """

    why: str


class Once(Generic[T]):
    """What several rows need: computed for the first of them. If it fails, all of them fail, and it isn't repeated."""

    def __init__(self, compute: Callable[[], T]) -> None:
        self._compute = compute
        self._found: list[T] = []
        self._failure: Exception | None = None

    def __call__(self) -> T:
        """The result."""
        if self._failure:
            raise self._failure
        if not self._found:
            try:
                self._found.append(self._compute())
            except Exception as failure:
                self._failure = failure
                raise
        return self._found[0]


def measure(
    bench: Bench,
    groups: Mapping[str, Callable[[Bench], Rows]],
    tell: Callable[[str, Measured | Failed], None],
) -> None:
    """Measures the rows that are wanted.

    Args:
        bench: Where.
        groups: By name, what yields a group's rows.
        tell: Called with each row as it comes.
    """
    names = list(dict.fromkeys(target.group for target in TARGETS if target.key in bench.wanted))
    for name in reversed(names) if bench.sizes.shared else names:  # those that need the contestants last
        missing = [target.key for target in TARGETS if target.group == name and target.key in bench.wanted]
        try:
            with closing(groups[name](bench)) as rows:  # type: ignore[type-var]  # generators can be closed
                for key, compute in rows:
                    if key in missing:
                        missing.remove(key)
                        tell(key, _measured(compute))
        except Exception as failure:  # noqa: BLE001 - the other groups are measured whatever it is
            for key in missing:
                tell(key, _failed(failure))
        if not bench.sizes.shared:
            bench.workers.close()


def _measured(compute: Callable[[], Measured]) -> Measured | Failed:
    try:
        return compute()
    except Exception as failure:  # noqa: BLE001 - the other rows are measured whatever it is
        return _failed(failure)


def _failed(failure: Exception) -> Failed:
    click.echo("".join(traceback.format_exception(failure)), err=True, nl=False)
    lines = str(failure).strip().splitlines()
    return Failed(lines[0] if lines else type(failure).__name__)
