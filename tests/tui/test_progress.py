from __future__ import annotations

import pytest

from fmnist_tui.host.gpu import Gpu
from fmnist_tui.runs.usage import Usage
from fmnist_tui.text import duration
from fmnist_tui.training.events import (
    Alert,
    CheckpointSaved,
    Event,
    Paused,
    Resumed,
    RunFinished,
    Stage,
    StopRequested,
)
from fmnist_tui.tui.training.progress import progress_of, wrapped

from .samples import EPOCHS, STEPS, snapshot_of, training, window

STARTED = training()[0]


def test_before_the_first_step_the_stage_is_named() -> None:
    progress = progress_of(snapshot_of([Stage("importing PyTorch")]))
    assert (progress.epoch_fraction, progress.total_fraction) == (0.0, 0.0)
    assert progress.epoch_text == "importing PyTorch"
    assert progress_of(snapshot_of([])).epoch_text == "starting"


def test_shares_are_of_the_epoch_and_of_the_whole_run() -> None:
    log = [*training(epochs=1), *(window(step) for step in range(STEPS + 1, STEPS + 11))]
    progress = progress_of(snapshot_of(log))
    assert progress.epoch_fraction == pytest.approx(10 / STEPS)
    assert progress.total_fraction == pytest.approx((STEPS + 10) / (EPOCHS * STEPS))
    assert progress.epoch_text == f"epoch 2 of {EPOCHS}, step 10 of {STEPS}"
    assert progress.total_text.startswith(f"step {STEPS + 10} of {EPOCHS * STEPS}")


def test_the_time_left_counts_steps_and_validations_to_come() -> None:
    log = [*training(epochs=1), *(window(step) for step in range(STEPS + 1, STEPS + 11))]
    progress = progress_of(snapshot_of(log, seconds=2.0))
    steps_left, validations_left = EPOCHS * STEPS - STEPS - 10, EPOCHS - 1
    assert progress.total_text.endswith(f", {duration(steps_left * 2.0 + validations_left * 0.5)} left")


def test_no_time_is_promised_before_the_warm_up_is_over() -> None:
    for steps in range(4):
        progress = progress_of(snapshot_of([STARTED, *(window(step) for step in range(1, steps + 1))]))
        assert "left" not in progress.total_text


def test_a_resumed_run_warms_up_again() -> None:
    stopped = [*training(epochs=1), window(STEPS + 1), RunFinished("stopped", resumable=True)]
    resumed = [*stopped, Resumed(STEPS, 4712), window(STEPS + 1)]
    assert "left" not in progress_of(snapshot_of(resumed)).total_text


def test_a_completed_run_is_at_its_end_with_no_time_left() -> None:
    progress = progress_of(snapshot_of([*training(), RunFinished("completed", scored=True)]))
    assert (progress.epoch_fraction, progress.total_fraction) == (1.0, 1.0)
    assert progress.epoch_text == f"epoch {EPOCHS} of {EPOCHS}, step {STEPS} of {STEPS}"
    assert "left" not in progress.total_text
    assert "ended: completed" in progress.numbers
    assert "scored: press 4 for results" in progress.numbers


def test_while_an_epoch_is_validated_it_is_still_that_epoch() -> None:
    log = [STARTED, *(window(step) for step in range(1, STEPS + 1)), Stage("validating")]
    progress = progress_of(snapshot_of(log))
    assert progress.epoch_text.startswith("epoch 1 of")
    assert progress.epoch_fraction == 1.0


def test_numbers_are_of_the_last_window_the_last_and_the_best_epoch() -> None:
    numbers = progress_of(snapshot_of(training())).numbers
    last = window(EPOCHS * STEPS)
    for part in (
        f"loss {last.loss:.4f}",
        f"{last.accuracy * 100:.2f}%",
        "20,000 images/s",
        "0.7200 83.00%",
        "84.00% in epoch 3",
    ):
        assert part in numbers


QUEUED = Stage("waiting for cpu")
STOPPED = RunFinished("stopped", resumable=True)
ENDS: list[tuple[list[Event], str]] = [
    ([*training(epochs=1), CheckpointSaved(STEPS), STOPPED], f"stopped, saved at step {STEPS}: r resumes it"),
    ([QUEUED, StopRequested("now"), STOPPED], "stopped before it began: r starts it"),
    ([*training(epochs=1), STOPPED], "stopped, nothing is saved: r starts it"),
    (
        [*training(epochs=1), RunFinished("stopped", scored=True)],
        "stopped after epoch 1 of 4, scored: press 4",
    ),
    ([*training(epochs=2), RunFinished("stopped")], "stopped after epoch 2 of 4"),
]


@pytest.mark.parametrize(("log", "expected"), ENDS)
def test_a_stopped_run_shows_what_is_saved_and_how_to_continue(log: list[Event], expected: str) -> None:
    assert progress_of(snapshot_of(log)).numbers.startswith(f"ended: {expected}")


def test_the_epoch_after_which_a_run_was_ended_is_whole() -> None:
    progress = progress_of(snapshot_of([*training(epochs=2), RunFinished("stopped", scored=True)]))
    assert (progress.epoch_fraction, progress.epoch_text) == (1.0, f"epoch 2 of 4, step {STEPS} of {STEPS}")


def test_a_failed_run_shows_the_reason() -> None:
    end = RunFinished("failed", resumable=True, message="there is no folder data")
    assert progress_of(snapshot_of([Stage("loading data"), end])).numbers == "ended: failed  there is no folder data"


def test_alerts_are_handed_on_in_their_order() -> None:
    log = [STARTED, Alert("checkpoint_failed", "no space"), Alert("non_finite", "the loss became nan")]
    assert progress_of(snapshot_of(log)).alerts == ("no space", "the loss became nan")


def test_the_machine_is_shown_with_the_gpu_that_the_run_trains_on() -> None:
    gpu = Gpu("GPU-5f3a9c01-7d1e-4c43-b4a1-4a7f6c1d0a11", 0, "NVIDIA H200", 140_000_000_000, 100_000_000_000, 93)
    usage = Usage(1.9, 1_200_000_000, 0.98, 0.4, gpu)
    numbers = progress_of(snapshot_of(training()), usage).numbers
    assert "trainer 1.9 CPUs, 1200.0 MB  machine: CPU 98%, memory 40%" in numbers
    assert "memory 40%  H200 (GPU-5f3a9c01) 93% busy, 40.0 of 140 GB" in numbers


def test_lines_break_between_items_and_not_within() -> None:
    assert (
        wrapped("loss 0.25  accuracy 91%  saved at step 5\nend", 26) == "loss 0.25  accuracy 91%\nsaved at step 5\nend"
    )


def test_a_pause_changes_no_fraction() -> None:
    log = training(epochs=1)
    before, after = progress_of(snapshot_of(log)), progress_of(snapshot_of([*log, Paused(STEPS)]))
    assert (before.epoch_fraction, before.total_fraction) == (after.epoch_fraction, after.total_fraction)
