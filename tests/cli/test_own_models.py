"""Models of the user's own: trained, resumed, compared and exported by commands; and what stops that."""

from __future__ import annotations

import json
import shlex
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builtin_names import LISTED
from runs.trainers import Watch, assert_undisturbed, running, weights_differ

import fmnist_tui
from fmnist_tui.errors import RunError
from fmnist_tui.files import read_json, write_json
from fmnist_tui.inspection.predict import load_model
from fmnist_tui.models import named, registry
from fmnist_tui.models.check import check_model
from fmnist_tui.models.examine import examine
from fmnist_tui.models.source import ModelSource, current
from fmnist_tui.paths import state_folder
from fmnist_tui.runs import model_code
from fmnist_tui.runs.control import send_command
from fmnist_tui.runs.directory import RunDirectory, list_runs
from fmnist_tui.runs.event_log import LogReader
from fmnist_tui.runs.in_app import InAppRun
from fmnist_tui.runs.request import request_run
from fmnist_tui.runs.run import read_run
from fmnist_tui.runs.status import Status, status_of
from fmnist_tui.training.events import Alert, CheckpointSaved, Command, Epoch, Event, Resumed, RunFinished, StepMetrics
from fmnist_tui.training.recipes import configure

from .commands import call
from .conftest import Fmnist

NET = """\
import random
import torch
from torch import nn
from width import WIDTH

class Net(nn.Module):
    '''A small network.'''
    def __init__(self, image_shape, classes):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(1, WIDTH, 3, stride=2), nn.BatchNorm2d(WIDTH), nn.ReLU(), nn.Dropout2d(0.1),
                                  nn.Flatten(), nn.Dropout(0.3), nn.LazyLinear(classes))

    def forward(self, x):
        return self.body(x + 0.01 * torch.randn_like(x) * random.random() if self.training else x)
"""
COUNTING = """
class Counting(Net):
    steps = 0
    def forward(self, x):
        self.steps += 1
        return super().forward(x) / self.steps
"""
OPTIONS = ("--data", "demo", "--limit", "200", "--batch-size", "16", "--threads", "1", "--device", "cpu", "--in-app")


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """In a folder with a model; models are checked in this process, and no longer named after the test."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(registry, "_models", dict(registry._models))
    monkeypatch.setattr(sys, "path", list(sys.path))
    for module in (named, model_code):
        monkeypatch.setattr(module, "check_model", examine)
    Path("net.py").write_text(NET + COUNTING)
    Path("width.py").write_text("WIDTH = 4\n")


def train(fmnist: Fmnist, runs: Path, *arguments: object) -> RunDirectory:
    outcome = fmnist("train", *arguments, *OPTIONS, "--runs", runs)
    assert (outcome.status, outcome.err) == (0, ""), outcome
    return list_runs(runs)[0]


def half_trained(runs: Path, name: str = "Net", epochs: int = 3) -> RunDirectory:
    """A run of three epochs that is stopped after its first steps, with a checkpoint."""
    spec = named.name_model(f"net.py:{name}", Path.cwd())
    changes = {"epochs": epochs, "batch_size": 16}
    run = request_run(runs, configure(spec.name, "tuned", changes, limit=200, threads=1, device="cpu"), "demo")
    trainer = InAppRun(run)
    trainer.inbox.put(Command.STOP_NOW)
    assert trainer.train().resumable
    return run


def of(run: RunDirectory, kind: type[Event]) -> list[Any]:
    return [logged.event for logged in LogReader(run.events) if isinstance(logged.event, kind)]


def test_models_of_ones_own_are_trained_analysed_compared_and_exported(
    fmnist: Fmnist, runs: Path, tmp_path: Path, blank_figures: None
) -> None:
    run = train(fmnist, runs, "v0", "net.py:Net", "--epochs", "1")
    assert run.run_id.startswith("net-")
    content = json.loads(run.run_json.read_text())
    assert content["version"] == "net"
    model = content["model"]
    assert (model["source"], model["text"], model["exact_resume"]) == ("net.py:Net", "model.py.txt", True)
    assert model["files"] == ["net.py", "width.py"]
    text = run.model_text.read_text()
    assert NET in text
    assert "# ==== width.py ====\nWIDTH = 4\n" in text
    assert not of(run, Alert)
    assert fmnist("models", "--json").json[-1] == {
        "name": "net",
        "kind": "remembered",
        "title": "net.py:Net",
        "parameters": 6818,
        "source": f"{tmp_path}/net.py:Net",
    }
    again = fmnist("train", "net", "--epochs", "1", *OPTIONS, "--runs", runs)
    assert again.status == 0, "a model that was named before has a short name"
    analysed = fmnist(
        "analyse", run.run_id, "--only", "shifts", "--only", "efficiency", "--data", "demo", "--json", "--runs", runs
    )
    assert analysed.err.strip() == f"{run.run_id}: shifts"
    assert json.loads(analysed.out)["runs"][0]["analyses"]["efficiency"]["parameters"] == 6818

    Path("net.py").unlink()
    registry._models.pop("net")
    results = fmnist("results", "--all", "--format", "json", "--runs", runs)
    versions = {one["version"]: one for one in json.loads(results.out)["versions"]}
    assert versions["net"]["parameters"] == 6818
    assert versions["net"]["runs"] == 2
    (paired,) = json.loads(results.out)["paired"]
    assert (paired["first"], paired["second"]) == ("v0", "net")
    assert json.loads(results.out)["total_gain"] is None, "the story is that of the built-in models"
    exported = fmnist("export", run.run_id, "--to", tmp_path / "out", "--runs", runs)
    assert exported.status == 0
    assert (tmp_path / "out" / run.run_id / "cnn_model_stats.json").exists()
    assert fmnist("show", run.run_id, "--runs", runs).status == 0


@pytest.mark.parametrize(
    ("model", "status", "message"),
    [
        ("nut", 2, f"unknown model 'nut' (choose from {LISTED}), or name your own"),
        ("net.py:Nut", 1, "net.py: there is no Nut; it defines Net, Counting"),
        ("nut.py:Net", 1, "nut.py doesn't exist; name a file and a class or function in it"),
        ("broken.py:Net", 1, "broken.py:2: SyntaxError"),
    ],
)
def test_a_model_that_fails_is_one_line_and_no_run(
    fmnist: Fmnist, runs: Path, model: str, status: int, message: str
) -> None:
    Path("broken.py").write_text("x = 1\nclass Net(:\n")
    outcome = fmnist("train", "v0", model, *OPTIONS, "--runs", runs)
    assert outcome.status == status
    assert outcome.complaint.startswith(message)
    assert not runs.exists()


def test_a_stopped_run_goes_on_bit_for_bit(fmnist: Fmnist, runs: Path) -> None:
    whole = train(fmnist, runs, "net.py:Net", "--epochs", "3")
    run = half_trained(runs)
    assert fmnist("resume", run.run_id, "--in-app", "--runs", runs).status == 0
    (resumed,) = of(run, Resumed)
    assert resumed.exact
    assert not weights_differ(run, whole)
    assert read_run(run).scores == read_run(whole).scores


def test_a_model_that_keeps_state_elsewhere_says_so_at_the_start_and_when_it_is_resumed(
    fmnist: Fmnist, runs: Path
) -> None:
    run = half_trained(runs, "Counting")
    (alert,) = of(run, Alert)
    assert alert.kind == "no_exact_resume"
    assert alert.message.startswith("exact resume isn't available: a step that is replayed")
    assert json.loads(run.run_json.read_text())["model"]["exact_resume"] is False
    assert alert.message in fmnist("show", run.run_id, "--runs", runs).out
    assert fmnist("resume", run.run_id, "--in-app", "--runs", runs).status == 0
    assert of(run, Alert)[1].message.startswith(
        "resumed with a model that keeps state outside parameters and buffers: "
    )
    assert not of(run, Resumed)[0].exact
    assert not read_run(run).is_exact


def test_changed_code_stops_a_resume_and_an_analysis_until_it_is_accepted(fmnist: Fmnist, runs: Path) -> None:
    run = half_trained(runs)
    Path("width.py").write_text("WIDTH = 4  # changed\n")
    refused = fmnist("resume", run.run_id, "--in-app", "--runs", runs)
    assert refused.status == 1
    assert "code has changed: net.py:Net (" in refused.complaint
    accept = f"fmnist-tui resume {run.run_id} --accept-changed-model --in-app --runs {runs}"
    assert refused.complaint.endswith(f"modified: {accept}")
    assert not read_run(run).manifest.modified or not read_run(run).manifest.is_code_changed
    accepted = fmnist("resume", run.run_id, "--in-app", "--accept-changed-model", "--runs", runs)
    assert accepted.status == 0
    record = read_run(run)
    assert record.manifest.is_code_changed
    assert record.manifest.modified
    assert not record.is_exact
    assert of(run, Alert)[-1].message.startswith("resumed with changed code of its model: training continues")
    assert "WIDTH = 4  # changed" in run.changed_model_text.read_text()
    assert "# changed" not in run.model_text.read_text()
    excluded = json.loads(fmnist("results", "--format", "json", "--runs", runs).out)["excluded"]
    assert "the model's code was changed" in excluded[0]["reason"]
    analysed = fmnist("analyse", run.run_id, "--only", "shifts", "--data", "demo", "--runs", runs)
    assert analysed.status == 0
    Path("width.py").unlink()
    gone = fmnist("analyse", run.run_id, "--only", "shifts", "--again", "--data", "demo", "--runs", runs)
    assert gone.status == 1
    assert gone.complaint.endswith(f"the code of net.py:Net is gone: {Path.cwd()}/width.py doesn't exist")


def test_a_prediction_with_changed_code_says_so_and_leaves_the_run_as_it_was(
    fmnist: Fmnist, runs: Path, tmp_path: Path
) -> None:
    run = half_trained(runs)
    assert fmnist("resume", run.run_id, "--in-app", "--runs", runs).status == 0
    picture = tmp_path / "my boot.npy"
    np.save(picture, np.zeros((28, 28), np.uint8))
    Path("width.py").write_text("WIDTH = 4  # changed\n")
    before = {file: file.read_bytes() for file in run.path.iterdir() if file.is_file()}
    refused = fmnist("predict", run.run_id, picture, "--runs", runs, "--data", "demo", "--no-crop")
    assert refused.status == 1
    advice, _, command = refused.complaint.partition("go on with the changed code: ")
    assert "code has changed: net.py:Net (" in advice
    program, *words = shlex.split(command)
    assert program == "fmnist-tui"
    for option in ("--accept-changed-model", "--no-crop"):
        assert option in words
    accepted = fmnist(*words)
    assert accepted.status == 0, accepted.err
    assert accepted.lines[-1] == f"Predicted by {run.run_id}, with changed code of its model."
    (found,) = fmnist(*words, "--json").json
    assert (found["code_changed"], found["blank"]) == (True, True)
    assert {file: file.read_bytes() for file in run.path.iterdir() if file.is_file()} == before
    assert not read_run(run).manifest.is_code_changed
    with pytest.raises(RunError, match=r"code has changed: .*; restore it, or train a new run with it$"):
        load_model(read_run(run))


def test_a_queued_start_with_changed_code_fails_in_one_line(fmnist: Fmnist, runs: Path) -> None:
    spec = named.name_model("net.py:Net", Path.cwd())
    run = request_run(runs, configure(spec.name, "tuned", {"epochs": 1}, limit=200, device="cpu"), "demo")
    Path("width.py").write_text("WIDTH = 5\n")
    ended = InAppRun(run).train()
    assert ended.reason == "failed"
    assert ended.resumable
    assert ended.message.startswith(f"run {run.run_id}: code has changed: net.py:Net (")
    assert not run.run_json.exists()
    Path("width.py").write_text("WIDTH = 4\n")
    assert fmnist("resume", run.run_id, "--in-app", "--runs", runs).status == 0


def test_a_run_of_someone_else_names_code_that_is_not_run_until_this_user_names_it(
    fmnist: Fmnist, runs: Path, tmp_path: Path
) -> None:
    run = half_trained(runs)
    shutil.rmtree(state_folder() / "models")
    registry._models.pop("net")
    marker = tmp_path / "it-was-run"
    Path("net.py").write_text(f"open({str(marker)!r}, 'w').close()\n{NET}")
    content = json.loads(run.run_json.read_text())
    source = ModelSource.from_json(content["model"])
    assert source
    content["model"]["sha256"] = current(source).sha256  # whoever wrote the folder wrote this, too
    write_json(run.run_json, content)
    write_json(run.request, {**(read_json(run.request) or {}), "model": content["model"]})
    write_json(run.model_json, {"model": content["model"]})
    for accept in ((), ("--accept-changed-model",)):
        refused = fmnist("resume", run.run_id, "--in-app", *accept, "--runs", runs)
        assert refused.status == 1
        assert "its code was never named by you, so it isn't run" in refused.complaint
        command = f"fmnist-tui resume {run.run_id} --model {tmp_path}/net.py:Net --in-app --runs {runs}"
        assert refused.complaint.endswith(command)
    for command in ("runs", "results", "models"):
        assert fmnist(command, *(() if command == "models" else ("--runs", runs))).status == 0
    assert not marker.exists()
    assert fmnist("resume", run.run_id, "--in-app", "--model", "net.py:Net", "--runs", runs).status == 0
    assert marker.exists()
    assert fmnist("analyse", run.run_id, "--only", "shifts", "--data", "demo", "--runs", runs).status == 0


def test_code_that_was_moved_is_named_at_its_new_place(fmnist: Fmnist, runs: Path, tmp_path: Path) -> None:
    run = half_trained(runs)
    (tmp_path / "new").mkdir()
    for name in ("net.py", "width.py"):
        Path(name).rename(tmp_path / "new" / name)
    gone = fmnist("resume", run.run_id, "--in-app", "--runs", runs)
    assert gone.complaint == f"run {run.run_id}: the code of net.py:Net is gone: {tmp_path}/net.py doesn't exist"
    assert fmnist("resume", run.run_id, "--in-app", "--model", "new/net.py:Net", "--runs", runs).status == 0
    assert not read_run(run).manifest.is_code_changed
    assert of(run, Resumed)[0].exact


def test_an_error_while_it_trains_has_the_line_of_the_users_file(fmnist: Fmnist, runs: Path, tmp_path: Path) -> None:
    text = NET.replace("        return", "        assert len(x) != 16, 'sixteen'\n        return")
    Path("net.py").write_text(text)
    outcome = fmnist("train", "net.py:Net", *OPTIONS, "--runs", runs)
    line = 1 + text.splitlines().index("        assert len(x) != 16, 'sixteen'")
    assert f"{tmp_path}/net.py:{line}: AssertionError: sixteen (details: " in outcome.complaint


def test_a_name_for_a_built_in_models_run_is_refused(fmnist: Fmnist, runs: Path) -> None:
    run = train(fmnist, runs, "v0", "--epochs", "1")
    refused = fmnist("analyse", run.run_id, "--model", "net.py:Net", "--data", "demo", "--runs", runs)
    assert refused.complaint == f"run {run.run_id} trains the model v0: --model is for models of your own"


def test_a_new_model_is_written_once_and_can_be_trained(fmnist: Fmnist, runs: Path) -> None:
    outcome = fmnist("new-model", "mine.py")
    assert outcome.out == "mine.py is written; train it with: fmnist-tui train mine.py:Net\n"
    assert fmnist("new-model", "mine.py").complaint == "mine.py exists already; choose another name"
    assert fmnist("new-model", "mine").status == 2
    assert fmnist("new-model", "no/mine.py").complaint == "can't write no/mine.py (No such file or directory)"
    run = train(fmnist, runs, "mine.py:Net", "--epochs", "1")
    model = json.loads(run.run_json.read_text())["model"]
    assert (model["exact_resume"], model["description"]) == (True, "A small residual network.")


def test_the_python_api_names_a_model_too(runs: Path) -> None:
    training = fmnist_tui.train("net.py:Net", epochs=1, data="demo", folder=runs, limit=200, threads=1, device="cpu")
    assert isinstance(list(training)[-1], RunFinished)
    assert training.run.version == "net"
    assert training.run.model is not None
    assert training.run.model.title == "net.py:Net"


@pytest.mark.slow
def test_a_network_killed_in_the_middle_of_an_epoch_goes_on_bit_for_bit(
    monkeypatch: pytest.MonkeyPatch, runs: Path
) -> None:
    """With real processes: the check of the code, the trainers, and SIGKILL while it takes steps."""
    for module in (named, model_code):
        monkeypatch.setattr(module, "check_model", check_model)
    spec = named.name_model("net.py:Net", Path.cwd())
    config = configure(spec.name, "tuned", {"epochs": 3, "batch_size": 4}, threads=1, device="cpu")
    whole, killed = (request_run(runs, config, "demo") for _ in range(2))
    assert call("resume", whole.run_id, "--runs", runs).status == 0
    with running(killed) as trainer:
        watch = Watch(killed)
        watch.next(Epoch)
        watch.next(StepMetrics)
        send_command(killed, Command.SAVE)
        saved = watch.next(CheckpointSaved)
        watch.next(StepMetrics)
        trainer.kill()
    assert saved.step % 450 != 0
    assert status_of(killed) is Status.INTERRUPTED
    assert call("resume", killed.run_id, "--runs", runs).status == 0
    (resumed,) = of(killed, Resumed)
    assert (resumed.step, resumed.exact) == (saved.step, True)
    assert_undisturbed(killed, whole)
