"""The measurements, a file for each group of rows; `GROUPS` has them in their order."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.bench import Bench
from benchmarks.measuring import Rows
from benchmarks.rows import data, live, scale, start, v0, v3

Group = Callable[[Bench], Rows]

GROUPS: dict[str, Group] = {
    "v0": v0.measure,
    "v3": v3.measure,
    "live-v0": live.measure_v0,
    "live-v3": live.measure_v3,
    "start": start.measure,
    "scale": scale.measure,
    "data": data.measure,
}
"""Each yields the key of a row and what measures it; rows that aren't wanted may be left out."""
