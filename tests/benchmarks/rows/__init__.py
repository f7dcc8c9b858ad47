"""The measurements, a file for each group of rows; `GROUPS` has them in their order."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from benchmarks.bench import Bench
from benchmarks.measured import Measured
from benchmarks.rows import data, live, start, v0, v3

Group = Callable[[Bench], Iterator[tuple[str, Measured]]]

GROUPS: dict[str, Group] = {
    "v0": v0.measure,
    "v3": v3.measure,
    "live-v0": live.measure_v0,
    "live-v3": live.measure_v3,
    "start": start.measure,
    "data": data.measure,
}
"""Each yields the key of a row and what was measured; rows that aren't wanted may be left out."""
