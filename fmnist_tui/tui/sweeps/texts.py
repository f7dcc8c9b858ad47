"""The Sweeps screen's cells and sentences."""

from __future__ import annotations

from rich.text import Text
from textual.theme import Theme

from fmnist_tui.report.sweep import sampler_name, summary_lines
from fmnist_tui.runs.status import Status
from fmnist_tui.sweeps.sweep import Sweep, SweepStatus, TrialRow
from fmnist_tui.text import counted, percent
from fmnist_tui.tui.themes import model_colour, status_colour, status_mark

LIST_HEADER = ("sweep", "model", "status", "trials", "   best", " cost")
IN_60_CELLS = 5
"""The columns that there is room for on small terminals: not the cost."""
NO_SWEEPS = (
    "No sweeps yet. A sweep searches for a model's best settings; start one from a shell:\n\n"
    "  fmnist-tui sweep v0 --set lr=log:1e-3:1 --set momentum=0:0.9 --trials 9 --halving"
)
_BLOCK = "▇"


def list_row(sweep: Sweep, theme: Theme, columns: int = len(LIST_HEADER)) -> tuple[Text, ...]:
    """The cells of a sweep below the first of `LIST_HEADER`; below some of them, its id is short."""
    return _list_row(sweep, theme, is_short=columns < len(LIST_HEADER))[:columns]


def _list_row(sweep: Sweep, theme: Theme, *, is_short: bool) -> tuple[Text, ...]:
    status = _status_text(_STATUSES[sweep.status], str(sweep.status), theme)
    sweep_id = sweep.sweep_id.removeprefix("sweep-") if is_short else sweep.sweep_id
    if sweep.fault:
        return (Text(sweep_id), Text(), status, Text(), Text(), Text())
    model = sweep.directory.config.version
    cost = percent(sweep.cost, 0) if sweep.cost is not None else ""
    return (
        Text(sweep_id),
        Text(model, f"bold {model_colour(model, theme)}"),
        status,
        Text(f"{f'{len(sweep.rows)}/{sweep.n_trials}':>6}"),
        Text(f"{percent(sweep.best_accuracy):>7}", "bold"),
        Text(f"{cost:>5}"),
    )


def trial_header(sweep: Sweep) -> tuple[str, ...]:
    """The headings of the table of trials."""
    return ("trial", "val acc", "epoch", "rung", "status", *map(_short, sweep.space.texts))


def trial_cells(sweep: Sweep, row: TrialRow, theme: Theme) -> tuple[Text, ...]:
    """The cells of a trial below `trial_header`; the best one is bold."""
    is_best = row.number == sweep.best
    style = "bold" if is_best else ""
    status = Status.FAILED if row.status == "diverged" else Status(row.status)
    return (
        Text(f"{row.number:>4}{' ★' if is_best else ''}", style),
        Text(f"{percent(row.accuracy):>7}", style),
        Text(f"{row.epoch:>5}"),
        Text(f" {row.rung}/{len(sweep.rungs)}"),
        _status_text(status, row.status, theme),
        *(Text(value, style) for value in sweep.space.write(row.settings).values()),
    )


def title(sweep: Sweep) -> str:
    """The title of the panel of trials."""
    settings, config = sweep.directory.settings, sweep.directory.config
    parts = config.version, config.recipe, sampler_name(settings.sampler), counted(len(sweep.rows), "trial")
    return " · ".join(parts)


def ladder(sweep: Sweep, theme: Theme, width: int) -> Text:
    """Halving as a ladder: how many trials have reached each rung; empty without halving."""
    if len(sweep.rungs) < 2:
        return Text()
    colour = model_colour(sweep.directory.config.version, theme)
    counts = [sum(row.rung > rung for row in sweep.rows) for rung in range(len(sweep.rungs))]
    names = [f"epoch {epoch}" for epoch in sweep.rungs]
    room = max(1, width - max(map(len, names)) - 2 - len(f" {max(counts)} trials"))
    lines = [
        Text.assemble(
            f"{name:>{max(map(len, names))}}  ",
            (_BLOCK * round(count / max(1, *counts) * room), colour),
            (f" {counted(count, 'trial')}", "dim"),
        )
        for name, count in zip(names, counts, strict=True)
    ]
    return Text("\n", no_wrap=True, overflow="ellipsis").join(lines)


def summary(sweep: Sweep) -> Text:
    """Why it is pending or was interrupted, the winner, its runs, and the cost."""
    reason = [f"{sweep.status}: {sweep.reason}"] if sweep.reason else []
    return Text("\n").join(map(Text, [*reason, *summary_lines(sweep)]))


def about_trial(row: TrialRow | None) -> Text:
    """A line on the trial under the cursor."""
    if row is None:
        return Text()
    parts = [f"trial {row.number}", row.run.run_id if row.run else "never started", row.message]
    return Text("  ".join(filter(None, parts)), "dim")


_STATUSES = {
    SweepStatus.PENDING: Status.PENDING,
    SweepStatus.RUNNING: Status.RUNNING,
    SweepStatus.STOPPED: Status.STOPPED,
    SweepStatus.INTERRUPTED: Status.INTERRUPTED,
    SweepStatus.FINISHED: Status.FINISHED,
    SweepStatus.FAILED: Status.FAILED,
    SweepStatus.UNREADABLE: Status.UNREADABLE,
}


def _status_text(status: Status, name: str, theme: Theme) -> Text:
    return Text(f"{status_mark(status)} {name}", status_colour(status, theme) or "dim")


def _short(name: str) -> str:
    return {"learning_rate": "lr", "weight_decay": "wd"}.get(name, name.removeprefix("model."))
