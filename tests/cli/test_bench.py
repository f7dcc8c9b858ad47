from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from fmnist_tui.analysis.speed import Benchmark, Peak, Quartiles, Speed

from .conftest import Fmnist
from .terminal import terminal

SPEEDS = (
    Speed("v0", "cpu", 64, Quartiles(80_123.4, 79_000.0, 81_000.0, 5), 0.8, 0.512),
    Speed("v3", "cuda:0", 128, Quartiles(30_000.0, 29_000.0, 31_000.0, 5), 4.27, 0.2),
)
PEAK = Peak("cpu", Quartiles(170.2, 165.0, 175.0, 5))

SPREAD_KEYS = ["median", "low", "high", "n"]


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[tuple[object, ...]]:
    """Nothing is measured; what it was called with."""
    calls: list[tuple[object, ...]] = []

    def pretend(
        devices: Sequence[str], threads: int, seconds: float, tell: object, machine: Mapping[str, str]
    ) -> Benchmark:
        calls.append((list(devices), threads, seconds))
        skipped = {"v1": "PyTorch isn't \x1b[31m installed"}
        return Benchmark({"cpu": "2 CPUs"}, threads, "60,000 random images", (PEAK,), SPEEDS, skipped)

    monkeypatch.setattr("fmnist_tui.analysis.bench.bench", pretend)
    return calls


def test_it_prints_a_table_of_speeds_with_the_conditions_of_the_measurement(
    fmnist: Fmnist, measured: list[tuple[object, ...]]
) -> None:
    outcome = fmnist("bench", "--device", "cpu", "--threads", "3", "--seconds", "7")
    assert (outcome.status, outcome.err) == (0, "")
    assert measured == [(["cpu"], 3, 7.0)]
    assert outcome.lines[0].split() == ["version", "device", "batch", "images/s", "quartiles", "ms/step", "of", "peak"]
    assert " ".join(outcome.lines[1].split()) == "v0 cpu 64 80,123 79,000 to 81,000 0.80 51%"
    assert "peak of cpu: 170 GFLOP/s (165 to 175), float32 matrix multiplication" in outcome.lines
    assert "3 threads; 60,000 random images; medians of 5 repeats" in outcome.lines
    assert outcome.lines[-1] == "v1 skipped: PyTorch isn't  [31m installed"


def test_json_has_the_keys_of_the_contract(fmnist: Fmnist, measured: list[tuple[object, ...]]) -> None:
    found = fmnist("bench", "--json", "--device", "cpu").json
    assert list(found) == ["machine", "threads", "data", "peaks", "speeds", "skipped"]
    assert list(found["peaks"][0]) == ["device", "gflops"]
    assert list(found["peaks"][0]["gflops"]) == SPREAD_KEYS
    keys = ["version", "device", "batch_size", "images_per_second", "milliseconds_per_step", "fraction_of_peak"]
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


@pytest.mark.slow
def test_it_shows_its_progress_and_ctrl_c_ends_it() -> None:
    with terminal("bench", "--device", "cpu", "--threads", "1", "--seconds", "600") as screen:
        screen.wait_for(lambda one: "0%  building v" in one.text, "it builds networks")
        screen.press("\x03")
        assert screen.status() == 130
        assert b"Traceback" not in screen.sent
        assert "building" not in screen.text
