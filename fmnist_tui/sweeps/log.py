"""trials.jsonl: the decisions and results of a sweep, append-only, and what they mean together.

Everything is appended under the sweep's lock. A line that a killed writer left incomplete, or that makes no sense, is
skipped: what it would have said is found out again from the runs.
"""

from __future__ import annotations

import math
import os
import time
from dataclasses import dataclass, field
from typing import Any

import msgspec

from fmnist_tui.files import check_regular_file, is_torn, open_append
from fmnist_tui.runs.access import refused
from fmnist_tui.runs.directory import is_run_id
from fmnist_tui.sweeps.directory import MOST_SEEDS, MOST_TRIALS, SweepDirectory
from fmnist_tui.sweeps.halving import Score, Standing
from fmnist_tui.text import safe

_LARGEST = 64_000_000


class _Line(msgspec.Struct, frozen=True, kw_only=True, tag_field="event", omit_defaults=True):
    """The base of all lines."""

    time: float = 0.0


class TrialStarted(_Line, frozen=True, kw_only=True, tag="trial"):
    """A trial with its settings; its run, "" if the settings turned out to be invalid."""

    trial: int
    settings: dict[str, Any]
    run: str = ""


class Launched(_Line, frozen=True, kw_only=True, tag="launched"):
    """A trainer was requested for a trial's run, or for a run of the winner; the last one had saved it and ended."""

    run: str
    was_saved: bool = False


class Reached(_Line, frozen=True, kw_only=True, tag="reached"):
    """A trial has reached a rung: its epoch and its validation accuracy and loss there."""

    trial: int
    rung: int
    epoch: int
    accuracy: float
    loss: float | None = None
    ended_early: bool = False


class Promoted(_Line, frozen=True, kw_only=True, tag="promoted"):
    """A trial is trained until a further rung."""

    trial: int
    rung: int


class Ended(_Line, frozen=True, kw_only=True, tag="ended"):
    """A trial won't be trained further: it "failed", "diverged", or was "stopped" by a person."""

    trial: int
    reason: str
    message: str = ""


class Retrained(_Line, frozen=True, kw_only=True, tag="retrained"):
    """The winner is trained again with another seed, in a run of its own."""

    trial: int
    seed: int
    run: str


class Stopped(_Line, frozen=True, kw_only=True, tag="stopped"):
    """The sweep was stopped."""


class Resumed(_Line, frozen=True, kw_only=True, tag="resumed"):
    """The sweep goes on, perhaps with more trials or more seeds for the winner."""

    trials: int | None = None
    retrain_seeds: int | None = None


Line = TrialStarted | Launched | Reached | Promoted | Ended | Retrained | Stopped | Resumed
_DECODER = msgspec.json.Decoder(Line)


@dataclass
class Trial:
    """A trial as the lines describe it.

    Attributes:
        number: From 0.
        run: Its run's id; "" if it has none.
        settings: Those that are searched, by name.
        rung: The rung that it trains to or has reached, from 0.
        scores: By rung.
        ended: Why it ends before the last rung: "failed", "diverged", "stopped"; "" otherwise.
        message: Details, or "".
        ended_early: Whether early stopping ended it.
    """

    number: int
    run: str
    settings: dict[str, Any]
    rung: int = 0
    scores: dict[int, Score] = field(default_factory=dict)
    ended: str = ""
    message: str = ""
    ended_early: bool = False

    @property
    def score(self) -> Score | None:
        """That of the last rung that it reached."""
        return self.scores[max(self.scores)] if self.scores else None

    @property
    def is_pending(self) -> bool:
        """Whether it has to be trained, or is."""
        return not self.ended and self.rung not in self.scores

    def standing(self, rungs: int) -> Standing:
        """For halving; a trial that early stopping ended stands on all further rungs as it is."""
        scores = dict(self.scores)
        if self.ended_early and self.score is not None:
            scores |= dict.fromkeys(range(self.rung, rungs), self.score)
        return Standing(self.number, self.rung, scores, is_over=bool(self.ended) or self.ended_early)


@dataclass
class SweepState:
    """A sweep as its lines describe it.

    Attributes:
        n_trials: How many trials are wanted.
        retrain_seeds: With how many seeds the winner is retrained.
        trials: By number.
        retrained: The run of each seed, of each winner: by trial and seed.
        launches: How often a trainer was requested for a run since it was last saved by the end of one, as when it
            reaches a rung or is preempted, or since the sweep was resumed.
        is_stopped: Whether it was stopped, and not resumed since.
    """

    n_trials: int
    retrain_seeds: int
    trials: list[Trial] = field(default_factory=list)
    retrained: dict[tuple[int, int], str] = field(default_factory=dict)
    launches: dict[str, int] = field(default_factory=dict)
    is_stopped: bool = False

    def winner(self, rungs: int) -> Trial | None:
        """The best trial by the validation accuracy of its last epoch, among those that were trained to their end."""
        whole = [one for one in self.trials if not one.ended and (rungs - 1 in one.scores or one.ended_early)]
        return max(whole, key=lambda one: (one.score or Score(-1.0, 0.0), -one.number), default=None)

    def add(self, line: Line) -> None:
        """Take in one line; one that contradicts those before it changes nothing."""
        match line:
            case TrialStarted(trial=number, settings=settings, run=run):
                if number == len(self.trials) and number < MOST_TRIALS and (not run or is_run_id(run)):
                    self.trials.append(Trial(number, run, settings))
            case Launched(run=run):
                self.launches[run] = 1 if line.was_saved else self.launches.get(run, 0) + 1
            case Retrained(trial=trial, seed=seed, run=run):
                if is_run_id(run) and 0 <= trial < len(self.trials):
                    self.retrained.setdefault((trial, seed), run)
            case Stopped():
                self.is_stopped = True
            case Resumed():
                self._resume(line)
            case _:
                if 0 <= line.trial < len(self.trials):
                    self._take(self.trials[line.trial], line)

    def _take(self, trial: Trial, line: Reached | Promoted | Ended) -> None:
        match line:
            case Reached(rung=rung) if rung == trial.rung and trial.is_pending and 0 <= line.accuracy <= 1:
                merit = -math.inf if line.loss is None else -line.loss
                trial.scores[rung] = Score(line.accuracy, merit, line.epoch)
                trial.ended_early = line.ended_early
                self.launches.pop(trial.run, None)
            case Promoted(rung=rung) if rung == trial.rung + 1 and not trial.is_pending and not trial.ended:
                trial.rung = rung
            case Ended():
                trial.ended, trial.message = safe(line.reason)[:20], safe(line.message)[:500]

    def _resume(self, line: Resumed) -> None:
        """Failures, but not divergences, are tried again."""
        self.is_stopped = False
        self.launches.clear()
        self.n_trials = max(self.n_trials, min(line.trials or 0, MOST_TRIALS))
        self.retrain_seeds = max(self.retrain_seeds, min(line.retrain_seeds or 0, MOST_SEEDS))
        for trial in self.trials:
            if trial.ended == "failed" and trial.run:
                trial.ended = trial.message = ""


def read_state(sweep: SweepDirectory) -> SweepState:
    """The sweep as its lines describe it now.

    Raises:
        RunError: sweep.json is damaged, or the lines can't be read.
    """
    state = SweepState(sweep.settings.trials, sweep.settings.retrain_seeds)
    try:
        check_regular_file(sweep.trials, _LARGEST)
        content = sweep.trials.read_bytes()
    except FileNotFoundError:
        return state
    except OSError as error:
        raise refused(f"read {sweep.trials}", sweep.trials, error) from None
    for text in content.splitlines():
        try:
            line = _DECODER.decode(text)
        except (ValueError, RecursionError):
            continue
        state.add(line)
    return state


def append(sweep: SweepDirectory, state: SweepState, line: Line) -> None:
    """Write a line and take it in; the caller holds the sweep's lock.

    Raises:
        RunError: It can't be written.
    """
    line = msgspec.structs.replace(line, time=round(time.time(), 3))
    try:
        with open_append(sweep.trials) as file:
            file.write((b"\n" if is_torn(sweep.trials) else b"") + msgspec.json.encode(line) + b"\n")
            os.fsync(file.fileno())
    except OSError as error:
        raise refused(f"write {sweep.trials}", sweep.trials, error) from None
    state.add(line)
