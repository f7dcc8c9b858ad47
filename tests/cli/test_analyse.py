from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest
from waiting import wait_until

from fmnist_tui.files import read_json
from fmnist_tui.runs.directory import RunDirectory, list_runs
from fmnist_tui.text import percent
from fmnist_tui.training.recipes import RECIPES

from .commands import call, copy_of, edit, finish, started
from .conftest import Fmnist

BUDGET = ("--epochs", "1", "--limit", "20", "--device", "cpu")
NAMES = ["shifts", "permuted", "efficiency", "fit", "gaps", "convergence"]
ONLY = ("--only", "shifts", "--only", "permuted", "--only", "gaps")
RUN = {"run", "version", "recipe", "seed", "analyses", "cached", "errors", "excluded"}
CLAIM = {"recipe", "title", "statement", "verdict", "measured", "method", "missing"}
KEYS = {
    "shifts": {"images", "up", "down", "left", "right", "mean"},
    "permuted": {
        *("epochs", "limit", "test_images", "seed"),
        *("plain_validation", "plain_test", "permuted_validation", "permuted_test"),
    },
    "efficiency": {"accuracy", "parameters", "macs"},
    "fit": {
        "train_images",
        "validation_images",
        "train_nll",
        "validation_nll",
        "train_accuracy",
        "validation_accuracy",
        "nll_gap_error",
    },
    "gaps": {"train_loss", "validation_loss", "train_accuracy", "validation_accuracy"},
    "convergence": {
        *("steps", "first_loss", "early_loss", "end_loss", "epochs", "below"),
        *("lowest_validation", "lowest_epoch", "last_validation", "last_nll"),
    },
}


def test_the_keys_are_documented() -> None:
    document = (Path(__file__).parents[2] / "docs" / "json.md").read_text()
    keys = {*RUN, *CLAIM, *KEYS, *(key for keys in KEYS.values() for key in keys)}
    assert not {key for key in keys if f"`{key}`" not in document}


def with_model(run: RunDirectory, runs: Path) -> RunDirectory:
    """A copy of a run that may be analysed, its model included."""
    copied = copy_of(run, runs)
    copied.model.write_bytes(run.model.read_bytes())
    return copied


@pytest.fixture
def run(finished: RunDirectory, runs: Path) -> RunDirectory:
    return with_model(finished, runs)


@pytest.mark.slow
def test_moved_images_are_read_from_their_new_folder(fmnist: Fmnist, run: RunDirectory, tmp_path: Path) -> None:
    data = (read_json(run.run_json) or {})["data"]
    edit(run.run_json, data={**data, "folder": str(tmp_path / "gone")})
    failed = fmnist("analyse", "last", "--only", "shifts", "--runs", run.path.parent)
    assert f"there is no folder {tmp_path / 'gone'}" in failed.complaint
    edit(run.data_json, folder="demo")
    assert fmnist("analyse", "last", "--only", "shifts", "--runs", run.path.parent).status == 0


@pytest.mark.parametrize(
    "versions",
    [("v0",), pytest.param(("v0", "v1", "v2", "v3"), marks=pytest.mark.slow)],
    ids=["v0", "all four"],
)
def test_all_analyses_are_made_saved_and_reused(
    fmnist: Fmnist, four: Path, runs: Path, versions: tuple[str, ...]
) -> None:
    for one in list_runs(four):
        if one.run_id[:2] in versions:
            with_model(one, runs)
    arguments = ["analyse", *versions, *BUDGET, "--runs", runs, "--json"]
    outcome = fmnist(*arguments)
    assert outcome.status == 0
    first = json.loads(outcome.out)
    assert first.keys() == {"runs", "claims"}
    assert all(one.keys() == RUN for one in first["runs"])
    assert all(one.keys() == CLAIM for one in first["claims"])
    assert [one["version"] for one in first["runs"]] == list(versions)
    for one in first["runs"]:
        of_run = [name for name in NAMES if name != "permuted" or one["version"] in ("v0", "v1")]
        assert list(one["analyses"]) == of_run
        assert all(one["analyses"][name].keys() == KEYS[name] for name in of_run)
        assert (one["cached"], one["errors"]) == ([], {})
        assert "trained on 10 of 2,000 images" in one["excluded"]
        scored = read_json(RunDirectory(runs / one["run"]).result) or {}
        assert one["analyses"]["shifts"]["mean"][0] == pytest.approx(scored["test_accuracy"], abs=0.005)
    verdicts = {claim["title"]: claim["verdict"] for claim in first["claims"]}
    assert len(verdicts) == 13
    unmeasured = {title for title, verdict in verdicts.items() if verdict == "not measured yet"}
    assert len(versions) < 4 or unmeasured <= {
        "Feature hierarchy",
        "Normalisation",
        "Regularisation, no augmentation",
        "An eighth of v3's parameters",
    }, "studied apart, or of v4"
    again = json.loads(fmnist(*arguments).out)
    assert [one["cached"] for one in again["runs"]] == [list(one["analyses"]) for one in again["runs"]]
    assert [one["analyses"] for one in again["runs"]] == [one["analyses"] for one in first["runs"]]
    assert again["claims"] == first["claims"]


def test_it_prints_its_results_and_its_progress(fmnist: Fmnist, run: RunDirectory, runs: Path) -> None:
    outcome = fmnist("analyse", "last", "--only", "shifts", "--only", "gaps", "--runs", runs)
    assert outcome.status == 0
    assert outcome.err.splitlines() == [f"{run.run_id}: shifts"]
    assert outcome.lines[0] == f"{run.run_id}, recipe tuned"
    assert [line.split()[0] for line in outcome.lines[2:8]] == ["shift", "up", "down", "left", "right", "mean"]
    assert "permuted" not in outcome.out
    assert fmnist("analyse", "last", "--only", "shifts", "--runs", runs).err == ""


def test_saved_analyses_are_printed_for_a_run_whose_weights_were_removed(
    fmnist: Fmnist, run: RunDirectory, runs: Path
) -> None:
    arguments = ("analyse", "last", "--only", "shifts", "--only", "gaps", "--runs", runs)
    before = fmnist(*arguments)
    run.model.unlink()
    after = fmnist(*arguments)
    assert (after.status, after.out, after.err) == (0, before.out, "")


def test_the_gain_is_over_all_named_runs_and_ineligible_ones_are_listed(
    fmnist: Fmnist, finished: RunDirectory, runs: Path
) -> None:
    for version, seed, accuracy in (("v0", 0, 0.80), ("v0", 1, 0.84), ("v3", 0, 0.92)):
        copied = copy_of(finished, runs, f"{version}-20260102-00000{seed}-00ff")
        edit(copied.run_json, version=version)
        edit(copied.result, test_accuracy=accuracy)
    arguments = ("analyse", *(run.run_id for run in list_runs(runs)), "--only", "efficiency", "--runs", runs)
    outcome = fmnist(*arguments)
    assert "Total gain +5.71 points: not supported\n    +10.00 points\n" in outcome.out
    assert "  v3-20260102-000000-00ff is not eligible for the results: recipe modified; data is demo\n" in outcome.out
    claims = json.loads(fmnist(*arguments, "--json").out)["claims"]
    gain = next(claim for claim in claims if claim["title"].startswith("Total gain"))
    assert (gain["measured"], gain["verdict"]) == ("+10.00 points", "not supported")
    edit(list_runs(runs)[0].run_json, train_images=54_000)
    left_out = fmnist(*arguments).out
    assert "Total gain" not in left_out.partition("not measured yet")[0]
    assert " is left out of these claims: its images differ from the first run's\n" in left_out


def test_again_and_another_budget_recompute(fmnist: Fmnist, run: RunDirectory, runs: Path) -> None:
    def cached(*arguments: object) -> tuple[list[str], int]:
        outcome = fmnist("analyse", run.run_id, "--only", "permuted", *arguments, "--json", "--runs", runs)
        run_json = json.loads(outcome.out)["runs"][0]
        return run_json["cached"], run_json["analyses"]["permuted"]["epochs"]

    assert cached(*BUDGET) == ([], 1)
    assert cached() == (["permuted"], 1)
    assert cached("--epochs", 2, "--limit", 20) == ([], 2)
    assert cached("--epochs", 2, "--again", "--limit", 20) == ([], 2)


def test_a_damaged_file_is_recomputed(fmnist: Fmnist, run: RunDirectory, runs: Path) -> None:
    arguments = ("analyse", run.run_id, "--only", "gaps", "--json", "--runs", runs)
    first = fmnist(*arguments).json
    (run.analysis / "gaps.json").write_text("{")
    assert fmnist(*arguments).json == first
    assert fmnist(*arguments).json["runs"][0]["cached"] == ["gaps"]


def test_an_impossible_analysis_does_not_prevent_the_others(fmnist: Fmnist, run: RunDirectory, runs: Path) -> None:
    run.model.unlink()
    outcome = fmnist("analyse", run.run_id, *ONLY, "--runs", runs)
    assert outcome.status == 0
    assert "validation loss minus training loss" in outcome.out
    assert f"{run.run_id}: shifts: run {run.run_id} has no model.safetensors" in outcome.err
    assert (
        f"{run.run_id}: permuted: run {run.run_id} has no model.safetensors, without which permuted can't be saved"
        in outcome.err
    )
    assert "gaps is not saved: the run has no model.safetensors" in outcome.err
    assert not run.analysis.exists()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--only", "shifts", "--data", "nowhere"], "there is no folder"),
        (["--only", "shifts"], "has no model.safetensors"),
    ],
)
def test_if_no_analysis_is_possible_it_is_one_line(
    fmnist: Fmnist, run: RunDirectory, runs: Path, arguments: list[str], complaint: str
) -> None:
    if "--data" not in arguments:
        run.model.unlink()
    outcome = fmnist("analyse", run.run_id, *arguments, "--runs", runs)
    assert (outcome.status, outcome.out) == (1, "")
    assert complaint in outcome.err


def test_a_model_that_does_not_match_the_result_is_an_error(fmnist: Fmnist, run: RunDirectory, runs: Path) -> None:
    edit(run.result, test_accuracy=0.01)
    outcome = fmnist("analyse", run.run_id, "--only", "shifts", "--runs", runs)
    assert outcome.status == 1
    assert f"but its result.json has {percent(0.01)}: they don't belong together" in outcome.err


def test_without_runs_the_error_has_a_training_command(
    fmnist: Fmnist, run: RunDirectory, runs: Path, tmp_path: Path
) -> None:
    assert "there are no runs in" in fmnist("analyse", "last", "--runs", tmp_path / "none").complaint
    assert "no eligible run of the recipe tuned yet" in fmnist("analyse", "--runs", runs).complaint
    origin = fmnist("analyse", "--recipe", "origin", "--runs", runs).complaint
    assert origin.endswith("the recipe origin yet; name a run, or train: fmnist-tui train all --recipe origin")


@pytest.mark.parametrize("recipe", RECIPES)
def test_the_output_for_the_reference_runs_is_the_committed_one(fmnist: Fmnist, recipe: str) -> None:
    evidence = Path(__file__).parents[2] / "assets" / "reference"
    outcome = fmnist("analyse", "--recipe", recipe, "--runs", evidence / "runs")
    assert (outcome.status, outcome.err) == (0, "")
    assert outcome.out == (evidence / f"claims-{recipe}.txt").read_text()


def test_ctrl_c_leaves_nothing_half_written(run: RunDirectory, runs: Path) -> None:
    arguments = ("analyse", run.run_id, "--only", "gaps", "--only", "permuted", "--epochs", "10000", "--limit", "300")
    with started(*arguments, "--runs", runs, PYTHONUNBUFFERED="1") as process:
        wait_until((run.analysis / "gaps.json").exists, "the first analysis was saved")
        assert process.stderr
        assert process.stderr.readline() == f"{run.run_id}: permuted\n"
        process.send_signal(signal.SIGINT)
        outcome = finish(process)
    assert (outcome.status, outcome.out, outcome.err.strip()) == (130, "", "")
    assert [path.name for path in run.analysis.iterdir()] == ["gaps.json"]
    assert call("show", run.run_id, "--runs", runs).status == 0


def test_export_draws_saved_analyses(fmnist: Fmnist, run: RunDirectory, runs: Path, tmp_path: Path) -> None:
    assert fmnist("analyse", run.run_id, "--only", "shifts", "--runs", runs).status == 0
    run.predictions.unlink()  # their pictures are drawn elsewhere
    assert fmnist("export", run.run_id, "--to", tmp_path / "out", "--runs", runs).status == 0
    assert (tmp_path / "out" / run.run_id / "shift_accuracy.png").read_bytes().startswith(b"\x89PNG\r\n")
