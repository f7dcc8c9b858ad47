from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from fmnist_tui.cli.runs import runs_command
from fmnist_tui.cli.show import show_command
from fmnist_tui.files import read_json, write_json
from fmnist_tui.host.gpu import Gpu
from fmnist_tui.report.sentences import score_text
from fmnist_tui.runs.cluster.slurm import Job
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.follower import Follower
from fmnist_tui.runs.queue.waiting import Waiting
from fmnist_tui.runs.run import read_run
from fmnist_tui.runs.status import Status
from fmnist_tui.runs.usage import Usage
from fmnist_tui.text import rough_duration
from fmnist_tui.training.events import (
    CheckpointSaved,
    Event,
    Paused,
    Resumed,
    RunFinished,
    RunStarted,
    Stage,
    StopRequested,
)
from fmnist_tui.tui.results.runs_view import row
from fmnist_tui.tui.themes import THEMES
from fmnist_tui.tui.training.cards import cards_of, end_text, in_rows
from fmnist_tui.tui.training.progress import (
    headline,
    machine_text,
    progress_of,
    trainer_host,
    waiting_text,
    waits_for,
)

from .samples import EPOCHS, STEPS, snapshot_of, training, window, write_run

STARTED = training()[0]
COLOUR = "#E69F00"


def cards(log: list[Event], seconds: float = 0.1) -> dict[str, str]:
    """The cards of this log, by their labels."""
    return {card.label: card.value for card in cards_of(snapshot_of(log, seconds=seconds), COLOUR)}


def test_before_the_first_step_the_stage_is_named() -> None:
    assert progress_of(snapshot_of([Stage("importing PyTorch")])) == (0.0, "importing PyTorch")
    assert progress_of(snapshot_of([])) == (0.0, "starting")
    assert cards([Stage("importing PyTorch")]) == {}


def test_the_fraction_is_of_the_whole_run() -> None:
    log = [*training(epochs=1), *(window(step) for step in range(STEPS + 1, STEPS + 11))]
    fraction, text = progress_of(snapshot_of(log))
    assert fraction == pytest.approx((STEPS + 10) / (EPOCHS * STEPS))
    assert text == f"epoch 2 of {EPOCHS}, step 10 of {STEPS}"


def test_the_time_left_counts_steps_and_validations_to_come() -> None:
    log = [*training(epochs=1), *(window(step) for step in range(STEPS + 1, STEPS + 11))]
    steps_left, validations_left = EPOCHS * STEPS - STEPS - 10, EPOCHS - 1
    expected = rough_duration(steps_left * 2.0 + validations_left * 0.5)
    assert cards(log, seconds=2.0)["TIME LEFT"] == expected


def test_no_time_is_promised_before_the_warm_up_is_over() -> None:
    for steps in range(4):
        assert "TIME LEFT" not in cards([STARTED, *(window(step) for step in range(1, steps + 1))])


def test_a_resumed_run_warms_up_again() -> None:
    stopped = [*training(epochs=1), window(STEPS + 1), RunFinished("stopped", resumable=True)]
    assert "TIME LEFT" not in cards([*stopped, Resumed(STEPS, 4712), window(STEPS + 1)])


def test_a_completed_run_is_at_its_end_with_no_time_left() -> None:
    log = [*training(), RunFinished("completed", scored=True)]
    assert progress_of(snapshot_of(log)) == (1.0, f"epoch {EPOCHS} of {EPOCHS}, step {STEPS} of {STEPS}")
    assert "TIME LEFT" not in cards(log)
    assert end_text(snapshot_of(log)) == "completed, scored: press 4 to compare it"


def test_while_an_epoch_is_validated_it_is_still_that_epoch() -> None:
    log = [STARTED, *(window(step) for step in range(1, STEPS + 1)), Stage("validating")]
    assert progress_of(snapshot_of(log))[1] == f"epoch 1 of {EPOCHS}, step {STEPS} of {STEPS}"


def test_cards_are_of_the_last_log_interval_and_of_the_last_and_the_best_epoch() -> None:
    last = window(EPOCHS * STEPS)
    found = cards(training())
    assert found["VAL ACC"] == "83.00%"
    assert found["BEST"] == "84.00% @3"
    assert found["VAL LOSS"] == "0.7200"
    assert found["TRAIN ACC"] == f"{100 * last.accuracy:.2f}%"
    assert found["TRAIN LOSS"] == f"{last.loss:.4f}"
    assert found["SPEED"] == "20,000 img/s"


@pytest.mark.parametrize("width", [20, 58, 76, 116])
def test_cards_that_do_not_fit_are_left_out_whole(width: int) -> None:
    labels, values = in_rows(cards_of(snapshot_of(training()), COLOUR), width).plain.split("\n")
    assert labels.startswith("VAL ACC")
    assert values.startswith("83.00%")
    assert max(len(labels), len(values)) <= width
    assert labels.rstrip().split("   ")[-1].strip() in {"BEST", "VAL LOSS", "SPEED", "LR", "TRAIN LOSS"}


def test_a_score_has_its_interval_and_the_number_of_images(tmp_path: Path) -> None:
    run = read_run(write_run(tmp_path))
    assert run.test_accuracy is not None
    low, high = (float(part.strip("%")) for part in score_text(run).split()[2::2])
    assert low < 100 * run.test_accuracy < high


QUEUED = Stage("waiting for cpu")
STOPPED = RunFinished("stopped", resumable=True)
ENDS: list[tuple[list[Event], str]] = [
    ([*training(epochs=1), CheckpointSaved(STEPS), STOPPED], f"stopped, saved at step {STEPS}: r resumes it"),
    ([QUEUED, StopRequested("now"), STOPPED], "stopped before it began: r starts it"),
    ([*training(epochs=1), STOPPED], "stopped, nothing is saved: r starts it"),
    (
        [*training(epochs=1), RunFinished("stopped", scored=True)],
        "stopped after epoch 1 of 4, scored: press 4 to compare it",
    ),
    ([*training(epochs=2), RunFinished("stopped")], "stopped after epoch 2 of 4"),
]


@pytest.mark.parametrize(("log", "expected"), ENDS)
def test_a_stopped_run_shows_what_is_saved_and_how_to_continue(log: list[Event], expected: str) -> None:
    assert end_text(snapshot_of(log)) == expected


def test_the_epoch_after_which_a_run_was_ended_is_whole() -> None:
    _, text = progress_of(snapshot_of([*training(epochs=2), RunFinished("stopped", scored=True)]))
    assert text == f"epoch 2 of 4, step {STEPS} of {STEPS}"


def test_a_run_that_stopped_early_says_so_everywhere(tmp_path: Path) -> None:
    log = [*training(epochs=2), RunFinished("completed", scored=True)]
    run = write_run(tmp_path, log=log)
    write_json(run.result, {**(read_json(run.result) or {}), "epochs": 2, "early_stopped": True})
    record, snapshot, ending = read_run(run), snapshot_of(log), "stopped early after epoch 2 of 4, scored"
    assert end_text(snapshot) == f"{ending}: press 4 to compare it"
    assert headline(snapshot, Status.FINISHED, record, THEMES[0], 120).plain.endswith(ending)
    assert progress_of(snapshot) == (0.5, f"epoch 2 of 4, step {STEPS} of {STEPS}")
    assert record.progress == ending.replace("4", "30")  # as run.json has it
    assert "finished early" in row(record, {}, False, THEMES[0])[2].plain
    commands = CliRunner()
    assert "finished early" in commands.invoke(runs_command, ["--runs", str(tmp_path)]).output
    assert f"ended            {ending}" in commands.invoke(show_command, ["last", "--runs", str(tmp_path)]).output


def test_a_failed_run_shows_the_reason() -> None:
    end = RunFinished("failed", resumable=True, message="there is no folder data")
    assert end_text(snapshot_of([Stage("loading data"), end])) == "failed  there is no folder data"


def test_the_machine_is_shown_with_the_gpu_that_the_run_trains_on() -> None:
    gpu = Gpu("GPU-5f3a9c01-7d1e-4c43-b4a1-4a7f6c1d0a11", 0, "NVIDIA H200", 140_000_000_000, 100_000_000_000, 93)
    usage = Usage(1.9, 1_200_000_000, 0.98, 0.4, gpu)
    text = machine_text(snapshot_of(training()), usage)
    assert text.startswith("trainer 1.9 CPUs, 1200.0 MB · machine: CPU 98%, memory 40%")
    assert text.endswith("memory 40% · H200 (GPU-5f3a9c01) 93% busy, 40.0 of 140 GB")


def test_a_queued_run_shows_its_place_and_how_long_the_run_before_it_takes() -> None:
    waiting = Waiting("cpu", 2, "v1-20260102-000000-00aa", 423.0)
    assert (
        waiting_text(waiting) == "waits for cpu, 2 queued runs ahead, behind v1-20260102-000000-00aa (about 7 min left)"
    )
    assert waiting_text(Waiting("cuda", 0)) == "waits for cuda"
    assert waiting_text(Waiting("cuda", 1, reason="held")) == "held, 1 queued run ahead"


def test_a_run_on_a_cluster_shows_slurms_reason_and_then_its_node(tmp_path: Path) -> None:
    follower = Follower(RunDirectory(tmp_path / "v0-20260101-000000-0000"))
    assert waits_for(follower) == ""
    follower.job = Job("123_4", "PENDING", "Priority")
    assert waits_for(follower) == "Slurm job 123_4: Priority"
    log = snapshot_of([RunStarted("v0", 10, 5, 2, 100, 1, host="node1")])
    assert trainer_host(log, Status.RUNNING) == "node1"
    assert trainer_host(log, Status.PENDING) == trainer_host(log, Status.INTERRUPTED) == ""
    assert machine_text(log, None, "node1") == "trainer on node1"


def test_a_pause_changes_no_fraction() -> None:
    log = training(epochs=1)
    assert progress_of(snapshot_of(log)) == progress_of(snapshot_of([*log, Paused(STEPS)]))


@pytest.mark.parametrize("width", [20, 40, 76, 116])
def test_the_status_is_in_the_headline_however_narrow_it_is(tmp_path: Path, width: int) -> None:
    run = read_run(write_run(tmp_path))
    for theme in THEMES:
        line = headline(snapshot_of(training()), Status.RUNNING, run, theme, width)
        assert line.plain.startswith("v0")
        assert "running" in line.plain or "validating" in line.plain
        assert line.cell_len <= max(width, 20)
