"""That every row of the speed table can be measured; how fast anything is, no test says."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from benchmarks.measured import interval_of_median, largest_of, median_of, percentile_of
from benchmarks.pairs import in_pairs, ratios
from benchmarks.table import rows_of
from benchmarks.target import KEYS, TARGETS

PROJECT = Path(__file__).parents[1]


@pytest.mark.slow
@pytest.mark.timeout(400)
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
    assert interval_of_median(values) == (2.0, 9.0)  # 97.9 %; from 3 to 8 it would be 89.1 %
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
    assert slow[1][2:5] == ("46 %", "47", "60")
    assert slow[2][2:5] == ("5.1 s", "at most 5", "")
