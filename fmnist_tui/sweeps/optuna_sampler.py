"""Optuna's TPE sampler. Its journal repeats what trials.jsonl says, so a lost or damaged one is written again.

Optuna's own tools can read the journal. It is only written under the sweep's lock, so it needs no lock of its own.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
from optuna.trial import TrialState, create_trial

from fmnist_tui.sweeps.samplers import Tried
from fmnist_tui.sweeps.space import Dimension, Space

_NUMBER = "fmnist-tui: trial"
_STUDY = "sweep"


class _NoLock(JournalFileOpenLock):
    """The sweep's lock is held whenever the journal is written."""

    def acquire(self) -> bool:
        return True

    def release(self) -> None:
        pass


def ask(space: Space, seed: int, number: int, tried: Sequence[Tried], journal: Path) -> dict[str, Any]:
    """The settings that TPE proposes for the trial of this number, given all earlier ones."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the multivariate sampler and the journal are marked as experimental
        try:
            study = _study(space, seed, number, tried, journal)
        except (ValueError, KeyError, OSError, AssertionError):  # damaged: everything in it is known here
            with suppress(OSError):
                journal.unlink()
            study = _study(space, seed, number, tried, journal)
        proposal = study.ask(_distributions(space))
        proposal.set_user_attr(_NUMBER, number)
        return {one.name: _from_optuna(one, proposal.params[one.name]) for one in space.dimensions}


def _study(space: Space, seed: int, number: int, tried: Sequence[Tried], journal: Path) -> optuna.Study:
    """The study with all trials that are over, each once; a proposal that never became a trial is given up."""
    storage = JournalStorage(JournalFileBackend(str(journal), lock_obj=_NoLock(str(journal))))
    sampler = optuna.samplers.TPESampler(seed=(seed * 1_000_003 + number) % 2**32, n_startup_trials=10)
    study = optuna.create_study(
        storage=storage, sampler=sampler, study_name=_STUDY, direction="maximize", load_if_exists=True
    )
    over = {one.number: one for one in tried if one.is_over}
    reported: set[int | None] = set()
    for trial in study.get_trials(deepcopy=False):
        mine = trial.user_attrs.get(_NUMBER)
        if trial.state.is_finished():
            reported.add(mine)
        elif mine is None or mine >= number:
            study.tell(trial.number, state=TrialState.FAIL)
        elif mine in over and mine not in reported:
            found = over[mine]
            state = TrialState.FAIL if found.accuracy is None else TrialState.COMPLETE
            study.tell(trial.number, found.accuracy, state=state)
            reported.add(mine)
    for found in over.values():
        if found.number not in reported and found.accuracy is not None:
            study.add_trial(
                create_trial(
                    value=found.accuracy,
                    params={one.name: _to_optuna(one, found.settings[one.name]) for one in space.dimensions},
                    distributions=_distributions(space),
                    user_attrs={_NUMBER: found.number},
                )
            )
    return study


def _distributions(space: Space) -> dict[str, BaseDistribution]:
    return {one.name: _distribution(one) for one in space.dimensions}


def _distribution(one: Dimension) -> BaseDistribution:
    if one.choices:
        return CategoricalDistribution([_to_optuna(one, value) for value in one.choices])
    if one.is_whole:
        return IntDistribution(int(one.low), int(one.high), log=one.is_log)
    return FloatDistribution(one.low, one.high, log=one.is_log)


def _to_optuna(one: Dimension, value: Any) -> Any:
    """Lists are no categories for Optuna; their text is."""
    return one.option.write(value) if isinstance(value, tuple) else value


def _from_optuna(one: Dimension, value: Any) -> Any:
    if one.choices:
        return one.option.read(value)
    return one.rounded(value)
