from __future__ import annotations

import json
from pathlib import Path

import pytest

from fmnist_tui.data import load
from fmnist_tui.host.node import available_cpus
from fmnist_tui.runs.conditions import conditions_at_start, conditions_here
from fmnist_tui.runs.manifest import read_manifest
from fmnist_tui.runs.request import read_request, request_run, write_run_json
from fmnist_tui.training.config import TrainingConfig
from fmnist_tui.training.recipes import configure
from fmnist_tui.training.task import make_task, settled

V0 = configure("v0", "tuned", {}, threads=1, device="cpu")


def test_run_json_is_a_configuration_that_can_be_read_back(runs: Path, tmp_path: Path) -> None:
    demo = load("demo", tmp_path)
    run = request_run(runs, V0, None)
    request = read_request(run)
    write_run_json(run, request, make_task(V0, demo), conditions_here(V0))
    known = json.loads(run.run_json.read_text())
    assert TrainingConfig.from_json(known) == settled(V0, demo)
    assert known["data"]["flips"] is True
    assert (known["train_images"], known["validation_images"]) == (1800, 200)
    assert " CPU" in known["device_name"]
    assert known["device_id"] is None
    assert known["cpus"] == available_cpus()
    assert known["window"] == make_task(V0, demo).window
    assert known["created"] == request.created
    assert known["argv"] == list(request.argv)


def test_a_gpu_has_the_name_that_pytorch_knows_it_by(
    runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.cuda.get_device_name", {"cuda:1": "NVIDIA H200"}.__getitem__)
    config = configure("v1", "tuned", {}, threads=1, device="cuda:1")
    run = request_run(runs, config, None)
    conditions = conditions_here(config, "GPU-5f3a9c01")
    write_run_json(run, read_request(run), make_task(config, load("demo", tmp_path)), conditions)
    assert read_manifest(run).json["device_name"] == "NVIDIA H200"
    assert read_manifest(run).json["device_id"] == "GPU-5f3a9c01"
    assert conditions_at_start(run) == conditions
