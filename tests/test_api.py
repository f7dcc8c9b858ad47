"""The public Python API, as a notebook uses it: real training on the demo set, everything else from the run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builtin_names import LISTED

import fmnist_tui
from fmnist_tui.analysis.probes.common import AnalysisError
from fmnist_tui.errors import RunError
from fmnist_tui.runs.in_app import InAppRun
from fmnist_tui.runs.status import Status
from fmnist_tui.training.config import ConfigError
from fmnist_tui.training.events import Epoch, RunFinished, RunStarted, StepMetrics


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two finished runs of v0, seeds 1 and 2."""
    folder = tmp_path_factory.mktemp("api") / "runs"
    for seed in (1, 2):
        events = list(fmnist_tui.train("v0", epochs=2, data="demo", folder=folder, seed=seed, threads=1))
        assert isinstance(events[-1], RunFinished)
        assert events[-1].reason == "completed"
    return folder


def test_importing_the_package_imports_only_its_version() -> None:
    code = "import sys; before = set(sys.modules); import fmnist_tui; print(*(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, encoding="utf-8")
    own = {name for name in done.stdout.split() if name.startswith("fmnist_tui")}
    assert own == {"fmnist_tui", "fmnist_tui.version"}
    assert not {"numpy", "torch", "textual", "msgspec"} & set(done.stdout.split())


def test_every_public_name_is_there_and_documented() -> None:
    for name in fmnist_tui.__all__:
        if name != "__version__":
            assert getattr(fmnist_tui, name).__doc__, name
    assert set(fmnist_tui.__all__) <= set(dir(fmnist_tui))
    with pytest.raises(AttributeError, match="no attribute 'unknown'"):
        _ = fmnist_tui.unknown


def test_training_yields_its_events_in_order(tmp_path: Path) -> None:
    training = fmnist_tui.train("v0", epochs=1, data="demo", folder=tmp_path, limit=200, threads=1)
    assert training.run.epochs == ()  # nothing is trained before the first event is asked for
    events = list(training)
    kinds = [type(event) for event in events]
    assert kinds.index(RunStarted) < kinds.index(StepMetrics) < kinds.index(Epoch) < len(kinds) - 1
    assert kinds[-1] is RunFinished
    assert training.run.status is Status.FINISHED


def test_a_loop_that_is_left_early_saves_and_is_resumed_bit_for_bit(tmp_path: Path) -> None:
    settings: dict[str, Any] = {"epochs": 3, "data": "demo", "threads": 1, "seed": 5}
    whole = fmnist_tui.train("v0", folder=tmp_path / "whole", **settings)
    list(whole)
    training = fmnist_tui.train("v0", folder=tmp_path / "cut", **settings)
    for event in training:
        if isinstance(event, Epoch):
            break
    assert training.run.status is Status.STOPPED
    later = list(fmnist_tui.resume("last", tmp_path / "cut"))
    assert isinstance(later[-1], RunFinished)
    first, second = whole.run, training.run
    assert np.array_equal(first.predictions.probabilities, second.predictions.probabilities)
    assert np.array_equal(first.curves.epochs.validation_loss, second.curves.epochs.validation_loss)


def test_a_run_with_settings_of_its_network_is_resumed_bit_for_bit(tmp_path: Path) -> None:
    own = {"model.dropout": 0.3, "model.width": 2, "ema": "0.9"}
    common: dict[str, Any] = {"epochs": 2, "data": "demo", "threads": 1, "limit": 300, "settings": own}
    whole = fmnist_tui.train("v1", folder=tmp_path / "whole", **common)
    list(whole)
    cut = fmnist_tui.train("v1", folder=tmp_path / "cut", **common)
    for event in cut:
        if isinstance(event, Epoch):
            break
    assert cut.run.status is Status.STOPPED
    list(fmnist_tui.resume("last", tmp_path / "cut"))
    run = fmnist_tui.open_run("last", tmp_path / "cut")
    assert {name: run.settings[name] for name in own} == {**own, "ema": 0.9}
    assert run.epochs_done == 2
    assert np.array_equal(run.predictions.probabilities, whole.run.predictions.probabilities)
    with pytest.raises(ConfigError, match=r"unknown setting 'model.dropuot'; did you mean 'model.dropout'\?"):
        fmnist_tui.train("v1", folder=tmp_path, data="demo", settings={"model.dropuot": 0.3})


def test_an_unexpected_error_in_the_training_thread_reaches_the_loop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: InAppRun) -> RunFinished:
        raise MemoryError("no memory")

    monkeypatch.setattr(InAppRun, "train", fail)
    training = fmnist_tui.train("v0", epochs=1, data="demo", folder=tmp_path, threads=1)
    with pytest.raises(MemoryError, match="no memory"):
        list(training)


def test_a_run_can_be_stopped_after_its_epoch(tmp_path: Path) -> None:
    training = fmnist_tui.train("v0", epochs=50, data="demo", folder=tmp_path, threads=1)
    for event in training:
        if isinstance(event, StepMetrics):
            training.stop(after_epoch=True)
    assert training.run.test_accuracy is not None
    assert len(training.run.epochs) < 50


def test_a_run_has_its_settings_curves_result_and_predictions(folder: Path) -> None:
    run = fmnist_tui.open_run("last", folder)
    assert (run.version, run.seed, run.recipe, run.settings["epochs"]) == ("v0", 2, "tuned", 2)
    curves = run.curves
    assert curves.steps.loss.dtype == np.float64
    assert len(curves.steps.step) == len(curves.steps.loss) > 1
    assert curves.epochs.epoch.tolist() == [1, 2]
    assert curves.epochs.validation_accuracy[-1] == run.epochs[-1].validation_accuracy
    matrix = run.predictions.confusion_matrix
    assert matrix.shape == (10, 10)
    assert matrix.trace() / matrix.sum() == pytest.approx(run.test_accuracy)
    assert matrix.sum() == len(fmnist_tui.load_data("demo").test)


def test_runs_are_listed_and_compared(folder: Path, tmp_path: Path) -> None:
    second, first = fmnist_tui.runs(folder)
    assert (first.seed, second.seed) == (1, 2)
    pairs = fmnist_tui.compare([first, second.run_id], folder)
    assert [one.record.run_id for one in pairs.runs] == [first.run_id, second.run_id]
    assert 0 < pairs.paired[0].p_value <= 1
    everything = fmnist_tui.compare_models(folder=folder, all_runs=True)
    assert [summary.version for summary in everything.versions] == ["v0"]
    assert fmnist_tui.compare_models(folder=folder).versions == ()  # the demo set is excluded
    assert fmnist_tui.runs(tmp_path / "none") == []


def test_a_run_is_analysed_and_exported(folder: Path, tmp_path: Path) -> None:
    run = fmnist_tui.open_run("last", folder)
    gaps = fmnist_tui.analyse(run, "gaps")
    assert gaps == fmnist_tui.analyse(run.run_id, "gaps", folder)
    files = fmnist_tui.export(run, tmp_path)
    assert {"metrics.csv", "confusion.csv", "predictions.npz"} <= {path.name for path in files}
    assert all(path.is_file() for path in files)


def test_bad_input_is_one_line_that_says_what_to_do(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=rf"unknown model 'v9' \(choose from {LISTED}\)"):
        fmnist_tui.train("v9", data="demo", folder=tmp_path)
    with pytest.raises(ConfigError, match="epochs"):
        fmnist_tui.train("v0", epochs=0, data="demo", folder=tmp_path)
    with pytest.raises(RunError, match="there is no run 'nonsense'"):
        fmnist_tui.open_run("nonsense", folder)
    with pytest.raises(RunError, match="at least two"):
        fmnist_tui.compare(["last"], folder)
    with pytest.raises(AnalysisError, match=r"unknown analysis 'nonsense' \(choose from shifts, "):
        fmnist_tui.analyse("last", "nonsense", folder)
    assert fmnist_tui.runs(tmp_path) == []
