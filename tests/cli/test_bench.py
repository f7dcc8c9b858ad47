from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from fmnist_tui.analysis.speed import Benchmark, Peak, Quartiles, Speed
from fmnist_tui.host.node import host_name

from .commands import copy_of, edit, newest
from .conftest import Fmnist
from .terminal import terminal

SPEEDS = (
    Speed("v0", "cpu", 64, Quartiles(80_123.4, 79_000.0, 81_000.0, 5), 0.8, 0.512),
    Speed("v3", "cuda:0", 128, Quartiles(30_000.0, 29_000.0, 31_000.0, 5), 4.27, 0.2, graph=False, busy_fraction=0.234),
)
PEAK = Peak("cpu", Quartiles(170.2, 165.0, 175.0, 5))

SPREAD_KEYS = ["median", "low", "high", "n"]


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[tuple[object, ...]]:
    """Nothing is measured; what it was called with."""
    calls: list[tuple[object, ...]] = []

    def pretend(
        devices: Sequence[str], threads: int, seconds: float, tell: object, machine: Mapping[str, str], *, graph: bool
    ) -> Benchmark:
        calls.append((list(devices), threads, seconds, graph))
        skipped = {"v1": "PyTorch isn't \x1b[31m installed"}
        return Benchmark({"cpu": "2 CPUs"}, threads, "60,000 random images", (PEAK,), SPEEDS, skipped)

    monkeypatch.setattr("fmnist_tui.analysis.bench.bench", pretend)
    return calls


def test_it_prints_a_table_of_speeds_with_the_conditions_of_the_measurement(
    fmnist: Fmnist, measured: list[tuple[object, ...]]
) -> None:
    outcome = fmnist("bench", "--device", "cpu", "--threads", "3", "--seconds", "7")
    assert (outcome.status, outcome.err) == (0, "")
    assert fmnist("bench", "--no-graph", "--device", "cpu").status == 0
    assert [(*call[:1], call[3]) for call in measured] == [(["cpu"], True), (["cpu"], False)]
    assert measured[0][1:3] == (3, 7.0)
    header = "version device batch images/s quartiles ms/step of peak graph GPU busy"
    assert " ".join(outcome.lines[0].split()) == header
    assert " ".join(outcome.lines[1].split()) == "v0 cpu 64 80,123 79,000 to 81,000 0.80 51% - -"
    assert " ".join(outcome.lines[2].split()) == "v3 cuda:0 128 30,000 29,000 to 31,000 4.27 20% no 23%"
    assert "peak of cpu: 170 GFLOP/s (165 to 175), float32 matrix multiplication" in outcome.lines
    assert "3 threads; 60,000 random images; medians of 5 repeats" in outcome.lines
    assert outcome.lines[-1] == "v1 skipped: PyTorch isn't  [31m installed"


def test_json_has_the_keys_of_the_contract(fmnist: Fmnist, measured: list[tuple[object, ...]]) -> None:
    found = fmnist("bench", "--json", "--device", "cpu").json
    assert list(found) == ["machine", "threads", "data", "peaks", "speeds", "skipped"]
    assert list(found["peaks"][0]) == ["device", "gflops"]
    assert list(found["peaks"][0]["gflops"]) == SPREAD_KEYS
    keys = ["version", "device", "batch_size", "images_per_second", "milliseconds_per_step", "fraction_of_peak"]
    keys += ["graph", "busy_fraction"]
    assert [list(speed) for speed in found["speeds"]] == [keys, keys]
    assert list(found["speeds"][0]["images_per_second"]) == SPREAD_KEYS


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--device", "tpu"], "invalid device 'tpu' (choose from auto, cpu, cuda, cuda:N, mps)"),
        (["--device", "cuda:77"], "device cuda:77 is not available here"),
    ],
)
def test_a_missing_device_is_one_line(fmnist: Fmnist, arguments: list[str], expected: str) -> None:
    outcome = fmnist("bench", *arguments)
    assert (outcome.status, outcome.out) == (1, "")
    assert outcome.complaint.startswith(expected)


def test_seconds_must_be_positive(fmnist: Fmnist) -> None:
    assert fmnist("bench", "--seconds", "0").status == 2


TO_ACCURACY = ("bench", "v0", "--data", "demo", "--device", "cpu", "--threads", "1")


@pytest.fixture
def times(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of this machine's times."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    return tmp_path / "fmnist-tui" / "time-to-accuracy" / f"{host_name()}.json"


def test_the_time_to_an_accuracy_is_measured_saved_and_listed_with_those_of_other_machines(
    fmnist: Fmnist, times: Path
) -> None:
    outcome = fmnist(*TO_ACCURACY, "--to", "1", "--to", "0.2", "--set", "epochs=2")
    assert outcome.status == 0
    assert outcome.err.splitlines()[:3] == ["v0, seed 0", *(f"v0, seed 0: epoch {number} of 2" for number in (1, 2))]
    assert outcome.err.splitlines()[3].startswith("v0 epochs=2: 20.00% ")
    header = ["model", "machine", "device", "threads", "seeds", "20%", "100%", "date"]
    assert outcome.lines[0].split() == header
    assert outcome.lines[1].startswith("v0 epochs=2  ")
    assert "  best " in outcome.lines[1]
    assert any(line.startswith("demo, recipe tuned. Seconds from the first step") for line in outcome.lines)
    assert outcome.lines[-1] == f"saved in {times}"
    (entry,) = json.loads(times.read_text())["entries"]
    other = {**entry, "machine": "gpu-box", "device": "cuda:0", "device_name": "Abacus \x1b[31m"}
    times.with_name("gpu-box.json").write_text(json.dumps({"entries": [other]}))
    found = fmnist("bench", "--from-runs", "--to", "0.2", "--data", "demo", "--json").json
    assert list(found) == ["targets", "data", "file", "entries", "excluded"]
    assert (found["targets"], found["data"], found["file"], found["excluded"]) == ([0.2], "demo", None, [])
    assert [one["machine"] for one in found["entries"]] == sorted(["gpu-box", host_name()])
    assert set(found["entries"][0]) == {
        *("machine", "date", "model", "code", "recipe", "settings", "data", "data_fingerprint", "device"),
        *("device_name", "threads", "versions", "trainings", "results"),
    }
    (result,) = found["entries"][0]["results"]
    keys = ["target", "measured", "reached", "seconds", "validation_seconds", "epoch", "best_accuracy"]
    assert list(result) == keys
    assert result["reached"] == 1
    assert 0 < result["validation_seconds"] < result["seconds"]
    lines = fmnist("bench", "--from-runs", "--data", "demo").lines
    assert any(line.startswith("gpu-box, cuda:0: Abacus  [31m; Python ") for line in lines)


def test_times_are_read_from_finished_runs(fmnist: Fmnist, times: Path, runs: Path) -> None:
    options = ("--data", "demo", "--runs", runs)
    assert fmnist("train", "v0", *options, "--threads", "1", "--in-app", "--no-test").status == 0
    run = newest(runs)
    copied = copy_of(run, runs, "v0-20250101-000000-0001")
    edit(copied.run_json, modified=True)
    outcome = fmnist("bench", "v0", "--from-runs", "--to", "0.5", *options)
    assert (outcome.status, outcome.err) == (0, "")
    assert outcome.lines[1].startswith("v0 ")
    assert outcome.lines[-1] == "v0-20250101-000000-0001 excluded: recipe modified"
    assert json.loads(times.read_text())["entries"][0]["trainings"][0]["run"] == run.run_id


def test_ctrl_c_prints_and_saves_what_was_measured(
    fmnist: Fmnist, times: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def measure(configs: Any, dataset: Any, targets: Any, report: Any, keep: Any) -> None:
        report("v0, seed 1: epoch 1 of 2", "step 1 of 2")
        raise KeyboardInterrupt

    assert fmnist(*TO_ACCURACY, "--to", "0.1", "--set", "epochs=1").status == 0
    monkeypatch.setattr("fmnist_tui.cli.leaderboard.measure", measure)
    outcome = fmnist(*TO_ACCURACY, "--to", "0.1", "--set", "epochs=1")
    assert outcome.status == 130
    assert outcome.err.split("\n")[0] == "v0, seed 1: epoch 1 of 2"
    assert outcome.lines[1].startswith("v0 epochs=1  ")


def test_times_that_cannot_be_saved_are_printed_with_a_warning(fmnist: Fmnist, times: Path) -> None:
    times.parent.mkdir(parents=True)
    times.write_text("[]")
    outcome = fmnist(*TO_ACCURACY, "--to", "0.1", "--set", "epochs=1")
    assert outcome.status == 0
    assert outcome.err.splitlines()[-1] == f"warning: not saved: {times} is damaged; move it away"
    assert outcome.lines[1].startswith("v0 epochs=1  ")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--to", "0.9", "--seconds", "3"], "--seconds has no effect with --to or a MODEL"),
        (["--to", "0.9", "--no-graph"], "--no-graph has no effect with --to or a MODEL"),
        (["--set", "epochs=1"], "--set has no effect without --to"),
        (["--from-runs", "--seeds", "2"], "--seeds has no effect with --from-runs"),
        (["--to", "0.9", "--device", "cpu", "--device", "mps"], "--to takes one --device"),
        (["--to", "90"], "90.0 is not in the range 0.0<x<=1.0"),
        (["v17"], "v17"),
        (["v0", "--set", "dropuot=1"], "dropuot"),
    ],
)
def test_wrong_usage_is_one_line(fmnist: Fmnist, arguments: list[str], expected: str) -> None:
    outcome = fmnist("bench", *arguments)
    assert outcome.status == 2
    assert expected in outcome.complaint


@pytest.mark.slow
def test_it_shows_its_progress_and_ctrl_c_ends_it() -> None:
    with terminal("bench", "--device", "cpu", "--threads", "1", "--seconds", "600") as screen:
        screen.wait_for(lambda one: "0%  building v" in one.text, "it builds networks")
        screen.press("\x03")
        assert screen.status() == 130
        assert b"Traceback" not in screen.sent
        assert "building" not in screen.text
