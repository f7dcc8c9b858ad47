"""A sweep as text, as rows of a table, and as JSON."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from typing import Any

from fmnist_tui.analysis.intervals import Spread
from fmnist_tui.runs.run import Run
from fmnist_tui.runs.status import Status
from fmnist_tui.sweeps.samplers import TPE
from fmnist_tui.sweeps.sweep import Sweep, SweepStatus, TrialRow
from fmnist_tui.text import counted, grouped, percent


def settings_text(sweep: Sweep, row: TrialRow) -> str:
    """The settings of a trial as they are typed: "learning_rate=0.0012 weight_decay=0.01"."""
    return " ".join(f"{name}={value}" for name, value in sweep.space.write(row.settings).items())


def sampler_name(sampler: str) -> str:
    """As it is written in a sentence: "grid", "random", "TPE"."""
    return sampler.upper() if sampler == TPE else sampler


def heading(sweep: Sweep) -> str:
    """The sweep in a line: "sweep-...: v3, tuned, random search, halving at epochs 1, 3; running, 7 of 9 trials"."""
    settings, config = sweep.directory.settings, sweep.directory.config
    parts = [config.version, config.recipe, f"{sampler_name(settings.sampler)} search"]
    if settings.min_epochs is not None:
        parts.append(f"halving at epochs {', '.join(map(str, sweep.rungs))}")
    if config.limit is not None:
        parts.append(counted(config.limit, "image"))
    reason = f" ({sweep.reason})" if sweep.reason else ""
    trials = f"{len(sweep.rows)} of {counted(sweep.n_trials, 'trial')}"
    return f"{sweep.sweep_id}: {', '.join(parts)}; {sweep.status}{reason}, {trials}"


def trial_table(sweep: Sweep) -> list[list[str]]:
    """A header and a row for each trial, the best one first."""
    names = list(sweep.space.texts)
    rows = [
        [
            str(row.number),
            *sweep.space.write(row.settings).values(),
            row.status,
            f"{row.rung}/{len(sweep.rungs)}",
            str(row.epoch),
            percent(row.accuracy),
            row.run.run_id if row.run else "",
        ]
        for row in sweep.ranked
    ]
    return [["trial", *names, "status", "rung", "epoch", "validation", "run"], *rows]


def result_lines(sweep: Sweep) -> Iterator[tuple[tuple[object, ...], str]]:
    """A key and a line for each result so far: trials that reached a rung or failed, and runs of the winner."""
    for row in sweep.rows:
        what = f"trial {row.number}  {settings_text(sweep, row)}"
        for score in row.scores:
            epoch = f"epoch {score.epoch}/{sweep.epochs_of(row)}"
            yield (row.number, score.epoch), f"{what}  {epoch}  validation {percent(score.accuracy)}"
        if row.message or row.status in ("failed", "diverged"):
            yield ("failed", row.number), f"{what}  {row.status}: {row.message}"
    for seed, run in sweep.retrained:
        if run.test_accuracy is not None:
            yield ("retrained", seed), f"{run.run_id}  seed {seed}  test accuracy {percent(run.test_accuracy)}"


def summary_lines(sweep: Sweep) -> Iterator[str]:
    """The best trial, the winner's scores, and what the sweep cost."""
    best = next((row for row in sweep.rows if row.number == sweep.best), None)
    if best is not None:
        what = "Winner" if sweep.is_decided and best.status == "finished" else "Best so far"
        yield (
            f"{what}: trial {best.number} ({settings_text(sweep, best)}), validation {percent(best.accuracy)} after "
            f"epoch {best.epoch} of {sweep.epochs_of(best)}"
        )
    yield from _retrained_lines(sweep)
    yield from cost_lines(sweep)
    if sweep.status in (SweepStatus.STOPPED, SweepStatus.INTERRUPTED):
        yield f"Resume it with: fmnist-tui sweep resume {sweep.sweep_id}"


def _retrained_lines(sweep: Sweep) -> Iterator[str]:
    runs = [run for _, run in sweep.retrained]
    if scored := [run.test_accuracy for run in runs if run.test_accuracy is not None]:
        seeds = ", ".join(str(seed) for seed, run in sweep.retrained if run.test_accuracy is not None)
        interval = f" (95% CI {text})" if (text := interval_text(scored, runs)) else ""
        accuracy = f"{percent(statistics.fmean(scored))}{interval}"
        yield f"Retrained with {counted(len(scored), 'seed')} ({seeds}): test accuracy {accuracy}"
    others = [run for run in runs if run.test_accuracy is None]
    for kind, is_kind in (("failed", True), ("not scored yet", False)):
        if found := [run for run in others if (run.status is Status.FAILED) == is_kind]:
            listed = ", ".join(f"{run.run_id} {run.progress}" for run in found)
            yield f"{counted(len(found), 'run')} of the winner {kind}: {listed}"


def interval_text(scored: list[float], runs: list[Run]) -> str:
    """The 95% CI of the mean test accuracy over seeds, or ""."""
    spread = Spread.of(scored, 1.0, seeds=len({run.seed for run in runs if run.test_accuracy is not None}))
    return f"{percent(spread.interval.low)} to {percent(spread.interval.high)}" if spread.interval else ""


def cost_lines(sweep: Sweep) -> Iterator[str]:
    """What was trained, compared with training all trials to their end."""
    if sweep.cost is not None:
        trained, full = counted(sweep.epochs_trained, "epoch"), grouped(sweep.epochs_full)
        so_far = "epochs" in sweep.space.texts and len(sweep.rows) < sweep.n_trials
        trials = "the trials so far" if so_far else "all trials"
        yield f"Cost: {trained}, {percent(sweep.cost, 0)} of the {full} for training {trials} to their end"


def sweep_line(sweep: Sweep) -> list[str]:
    """The cells of a sweep in a list of sweeps: id, model, status, trials, best validation accuracy, cost."""
    if sweep.fault:
        return [sweep.sweep_id, "", str(sweep.status), "", "", ""]
    return [
        sweep.sweep_id,
        sweep.directory.config.version,
        str(sweep.status),
        f"{len(sweep.rows)}/{sweep.n_trials}",
        percent(sweep.best_accuracy),
        percent(sweep.cost, 0) if sweep.cost is not None else "",
    ]


def sweep_json(sweep: Sweep) -> dict[str, Any]:
    """The sweep as `sweep show --json` prints it."""
    record: dict[str, Any] = {"sweep": sweep.sweep_id, "status": str(sweep.status)}
    if sweep.fault:
        return {**record, "reason": sweep.fault}
    settings, config = sweep.directory.settings, sweep.directory.config
    return {
        **record,
        "reason": sweep.reason or None,
        "model": config.version,
        "recipe": config.recipe,
        "sampler": settings.sampler,
        "seed": settings.seed,
        "space": dict(sweep.space.texts),
        "halving": settings.min_epochs is not None,
        "rungs": list(sweep.rungs),
        "n_trials": sweep.n_trials,
        "workers": sweep.workers,
        "best": sweep.best,
        "is_decided": sweep.is_decided,
        "epochs_trained": sweep.epochs_trained,
        "epochs_full": sweep.epochs_full,
        "retrained": [
            {"seed": seed, "run": run.run_id, "status": str(run.status), "test_accuracy": run.test_accuracy}
            for seed, run in sweep.retrained
        ],
        "trials": [
            {
                "trial": row.number,
                "run": row.run.run_id if row.run else None,
                "status": row.status,
                "settings": row.settings,
                "rung": row.rung,
                "epoch": row.epoch,
                "validation_accuracy": row.accuracy,
                "validation_loss": row.loss,
                "message": row.message,
            }
            for row in sweep.rows
        ],
    }
