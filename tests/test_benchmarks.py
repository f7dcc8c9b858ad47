"""That every row of the speed table can be measured; how fast anything is, no test says."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path

import psutil
import pytest
from benchmarks.bench import Bench
from benchmarks.measured import Measured, interval_of_median, largest_of, median_of, percentile_of
from benchmarks.measuring import Failed, Once, Rows, measure
from benchmarks.pairs import in_pairs, ratios
from benchmarks.sizes import QUICK
from benchmarks.spec import Spec
from benchmarks.table import as_json, as_text, rows_of
from benchmarks.target import KEYS, TARGETS
from benchmarks.workers import Workers

from fmnist_tui.data import demo

PROJECT = Path(__file__).parents[1]
DATASET = demo.draw()


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_the_quick_form_gives_a_number_for_every_row_and_leaves_nothing_behind(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.benchmarks", "--quick", "--json", str(tmp_path / "table.json")]
    left = tmp_path / "temporary"
    left.mkdir()
    done = subprocess.run(
        command,
        cwd=PROJECT,
        env={**os.environ, "TMPDIR": str(left)},
        capture_output=True,
        check=False,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "table.json").read_text())
    assert [row["key"] for row in found["rows"]] == list(KEYS)
    for row in found["rows"]:
        assert all(math.isfinite(row[name]) for name in ("value", "low", "high")), row
        assert row["n"] >= 1
        assert row["key"] in done.stdout
    assert {"machine", "threads", "versions", "load", "data"} <= found["machine"].keys()
    assert not list(left.iterdir())
    assert not [one for one in psutil.process_iter(["cmdline"]) if str(left) in " ".join(one.info["cmdline"] or ())]


def test_every_other_pair_begins_with_the_second() -> None:
    order: list[str] = []
    pairs = in_pairs(lambda: order.append("a") or 6.0, lambda: order.append("b") or 3.0, 3)  # type: ignore[func-returns-value]
    assert "".join(order) == "abbaab"
    assert ratios(pairs) == [2.0, 2.0, 2.0]


def test_the_interval_of_a_median_is_that_of_the_sign_test() -> None:
    values = [float(value) for value in range(1, 11)]
    assert interval_of_median(values) == (2.0, 9.0)  # 97.9%; from 3 to 8 it would be 89.1%
    assert interval_of_median(values[:6]) == (1.0, 6.0)
    assert interval_of_median(values[:5]) is None
    assert median_of(values).value == 5.5
    assert (median_of(values).low, median_of(values).high) == (3.25, 7.75)
    assert percentile_of(values, 95).value == pytest.approx(9.55)
    assert largest_of(values).value == 10.0


def test_rows_that_fall_short_come_first() -> None:
    enough = {target.key: median_of([target.at_least]) for target in TARGETS}
    assert [row[0] for row in rows_of(enough)[1:]] == ["ok"] * len(TARGETS)
    slow = rows_of({**enough, "data-csv": median_of([5.1]), "v0-peak": median_of([0.46])})
    assert [row[:2] for row in slow[1:3]] == [("SHORT", "v0-peak"), ("SHORT", "data-csv")]
    assert slow[1][2:5] == ("46%", "47", "60")
    assert slow[2][2:5] == ("5.1 s", "at most 5", "")


def rows_measured(groups: Mapping[str, Callable[[Bench], Rows]], wanted: set[str]) -> dict[str, Measured | Failed]:
    """What comes of these groups, in the order of coming."""
    bench = Bench(Path(), DATASET, QUICK, 1, frozenset(wanted), Workers({}, shared=False), {})
    found: dict[str, Measured | Failed] = {}
    measure(bench, groups, found.__setitem__)
    return found


def broken() -> Measured:
    raise AssertionError("waited in vain for 'x'; the screen:\nmany\nlines")


def test_a_row_that_fails_takes_no_other_with_it(capsys: pytest.CaptureFixture[str]) -> None:
    left = []

    def live(bench: Bench) -> Rows:
        try:
            yield "v0-live", lambda: median_of([1.0])
            yield "key", broken
            yield "bytes-live", lambda: median_of([2.0])
        finally:
            left.append("live")

    def data(bench: Bench) -> Rows:
        if bench.wanted:
            raise OSError("no room")
        yield "data-csv", broken

    def start(bench: Bench) -> Rows:
        yield "start-app", lambda: median_of([3.0])

    groups = {"live-v0": live, "data": data, "start": start}
    found = rows_measured(groups, {"v0-live", "key", "bytes-live", "data-first", "data-csv", "start-app"})
    values = {key: one.value for key, one in found.items() if isinstance(one, Measured)}
    assert values == {"v0-live": 1.0, "bytes-live": 2.0, "start-app": 3.0}
    failed = {key: one.why for key, one in found.items() if isinstance(one, Failed)}
    assert failed == {"key": "waited in vain for 'x'; the screen:", "data-first": "no room", "data-csv": "no room"}
    assert left == ["live"]
    assert "many\nlines" in capsys.readouterr().err
    table = rows_of(found)
    assert [row[0] for row in table[1:4]] == ["FAILED"] * 3
    assert "failed: no room" in as_text(table)
    assert as_json(found, {})["failed"] == failed


def test_what_several_rows_need_is_computed_once_also_where_it_fails() -> None:
    calls = []

    def compute() -> int:
        calls.append(1)
        raise OSError("no")

    needed = Once(compute)
    for _ in range(2):
        with pytest.raises(OSError, match="no"):
            needed()
    assert len(calls) == 1


def test_an_interrupted_benchmark_ends_what_a_group_started() -> None:
    left = []

    def live(bench: Bench) -> Rows:
        try:
            yield "key", interrupted
        finally:
            left.append("live")

    with pytest.raises(KeyboardInterrupt):
        rows_measured({"live-v0": live}, {"key"})
    assert left == ["live"]


def interrupted() -> Measured:
    raise KeyboardInterrupt


def test_a_contestant_that_dies_is_started_again(tmp_path: Path) -> None:
    spec = Spec("no such contestant", str(tmp_path), 1, 1, None, 8)
    with closing(Workers(dict(os.environ), shared=False)) as workers:
        for _ in range(2):
            with pytest.raises(RuntimeError, match="has ended"):
                workers.seconds(spec, 1)
