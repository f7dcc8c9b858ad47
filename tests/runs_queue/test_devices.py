from __future__ import annotations

import json
import platform
from dataclasses import replace
from pathlib import Path

import pytest
from runs.trainers import request

from fmnist_tui.host.gpu import Gpu
from fmnist_tui.host.node import available_cpus
from fmnist_tui.runs.conditions import Conditions
from fmnist_tui.runs.queue.devices import candidates, needed_device, title_of, visible_gpus
from fmnist_tui.runs.queue.options import QueueOptions
from fmnist_tui.runs.queue.submit import new_entry
from fmnist_tui.runs.request import read_request
from fmnist_tui.training.config import TrainingConfig
from fmnist_tui.training.recipes import configure

V0 = configure("v0", "tuned", {})
TWO = (Gpu("GPU-a", 0, "H200"), Gpu("GPU-b", 1, "H200"))


def v3_on(device: str) -> TrainingConfig:
    return configure("v3", "tuned", {}, device=device)


# What a run needs


@pytest.mark.parametrize(
    ("config", "has_gpus", "device"),
    [
        (V0, True, "cpu"),
        (v3_on("cpu"), True, "cpu"),
        (v3_on("cuda"), False, "cuda"),
        (v3_on("cuda:1"), True, "cuda:1"),
        (v3_on("mps"), False, "mps"),
        (v3_on("auto"), True, "cuda"),
        (v3_on("auto"), False, "cpu"),
    ],
)
def test_a_run_needs_the_device_that_it_will_train_on(config: TrainingConfig, has_gpus: bool, device: str) -> None:
    assert needed_device(config, has_gpus=has_gpus) == device


@pytest.mark.parametrize(("system", "machine", "device"), [("arm64", "Darwin", "cpu"), ("Darwin", "arm64", "mps")])
def test_on_a_mac_auto_is_its_gpu(monkeypatch: pytest.MonkeyPatch, system: str, machine: str, device: str) -> None:
    monkeypatch.setattr(platform, "system", lambda: system)
    monkeypatch.setattr(platform, "machine", lambda: machine)
    assert needed_device(v3_on("auto"), has_gpus=False) == device


@pytest.mark.parametrize(
    ("device", "keys"),
    [
        ("auto", (("GPU-a", 0), ("GPU-b", 1))),
        ("cuda", (("GPU-a", 0), ("GPU-b", 1))),
        ("cuda:1", (("GPU-b", 1),)),
        ("cuda:7", (("cuda:7", 7),)),
        ("cpu", ()),
    ],
)
def test_gpus_are_known_by_what_they_are_not_by_their_number(device: str, keys: tuple[tuple[str, int], ...]) -> None:
    assert candidates(v3_on(device), TWO) == keys
    assert candidates(V0, TWO) == ()


def test_the_driver_is_asked_only_where_a_gpu_could_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fmnist_tui.runs.queue.devices.query_gpus", lambda _: TWO)
    assert visible_gpus([V0, v3_on("cpu")], {}) == ()
    assert visible_gpus([V0, v3_on("auto")], {}) == TWO
    assert visible_gpus([v3_on("mps")], {}) == TWO  # begun on a Mac, resumed here
    on_a_mac(monkeypatch)
    assert visible_gpus([V0, v3_on("mps")], {}) == ()


def on_a_mac(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    monkeypatch.setattr(platform, "machine", lambda: "arm64")


# What a run needs that was begun on another GPU

LARGE_AND_SMALL = (Gpu("GPU-s", 0, "T4", speed=1), Gpu("GPU-a", 1, "H200", speed=9), Gpu("GPU-b", 2, "H200", speed=9))


@pytest.mark.parametrize(
    ("start", "asked", "keys"),
    [
        (Conditions(device="cuda:2", device_name="H200", device_id="GPU-b"), "auto", (("GPU-b", 2), ("GPU-a", 1))),
        (Conditions(device="cuda:0", device_name="H200", device_id="GPU-b"), "cuda", (("GPU-b", 2), ("GPU-a", 1))),
        (Conditions(device="cuda:0", device_name="H200", device_id="GPU-b"), "cuda:0", (("GPU-b", 2),)),
        (Conditions(device="cuda:0", device_name="T4", device_id="GPU-s"), "auto", (("GPU-s", 0),)),
        (Conditions(device="cuda:1", device_name="H200", device_id="GPU-x"), "auto", (("GPU-a", 1), ("GPU-b", 2))),
        (Conditions(device="cuda:1", device_name="H200", device_id="GPU-x"), "cuda:1", (("GPU-a", 1),)),
        (
            Conditions(device="cuda:7", device_name="A100", device_id="GPU-x"),
            "cuda:7",
            (("GPU-a", 1), ("GPU-b", 2), ("GPU-s", 0)),
        ),
        (Conditions(device="mps"), "mps", (("GPU-a", 1), ("GPU-b", 2), ("GPU-s", 0))),
        (Conditions(device="cuda:1", device_name="T4"), "auto", (("GPU-s", 0),)),
    ],
)
def test_a_run_goes_on_with_its_gpu_or_one_like_it_or_any(
    start: Conditions, asked: str, keys: tuple[tuple[str, int], ...]
) -> None:
    assert candidates(v3_on(start.device), LARGE_AND_SMALL, start, asked) == keys


def test_a_run_goes_on_with_what_is_here_where_there_is_no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    for device in ("cuda:1", "mps"):
        assert candidates(v3_on(device), (), Conditions(device=device), device) == ()
    assert candidates(v3_on("cpu"), TWO, Conditions(device="cpu"), "auto") == ()
    assert candidates(V0, TWO, Conditions(device="cpu"), "auto") == ()
    on_a_mac(monkeypatch)
    assert candidates(v3_on("cuda:1"), (), Conditions(device="cuda:1"), "cuda:1") == (("mps", 0),)


@pytest.mark.parametrize("config", [V0, v3_on("cuda:1")])
def test_a_run_that_was_begun_elsewhere_takes_the_cpus_that_are_here(tmp_path: Path, config: TrainingConfig) -> None:
    run = request(tmp_path, replace(config, device="auto"))
    device = "cpu" if config == V0 else "cuda:1"
    begun = {**replace(config, device=device, threads=512).to_json(), "host": "gpu01", "cpus": 512}
    run.run_json.write_text(json.dumps(begun))
    entry = new_entry(run, read_request(run), (), QueueOptions())
    assert (entry.needs, entry.gpus, entry.threads) == ("cpu", (), available_cpus())


def test_what_a_run_waits_for_is_named() -> None:
    assert title_of(()) == "cpu"
    assert title_of((("mps", 0),)) == "mps"
    assert title_of((("GPU-a", 1),)) == "cuda:1"
    assert title_of((("GPU-a", 1), ("GPU-b", 2))) == "cuda"
