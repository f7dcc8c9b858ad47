"""The reference runs' results, which come with the package; `assets/reference` has the runs themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from fmnist_tui.analysis.calibration import Bin, reliability
from fmnist_tui.analysis.comparison import Comparison, compare
from fmnist_tui.files import read_json
from fmnist_tui.runs.run import Run
from fmnist_tui.training.events import Epoch
from fmnist_tui.training.recipes import RECIPES

SUMMARY = Path(__file__).parent / "reference.json"
RUNS = Path(__file__).parent / "reference_runs.json"
"""What the Results screen shows until there are other runs: `bundled` of the reference runs."""
_DIGITS = 5
"""Of the curves and the bins, which are only drawn."""


@dataclass(frozen=True)
class Reference:
    """The test accuracy of the reference runs of one version.

    Attributes:
        mean: 0 to 1.
        sd: The sample's standard deviation; None for one run.
        n: How many runs.
    """

    mean: float
    sd: float | None
    n: int


def summarised(runs: Sequence[Run]) -> dict[str, dict[str, dict[str, Any]]]:
    """The content of SUMMARY: for each recipe and version a Reference over the eligible runs of `runs`."""
    return {recipe: {name: asdict(one) for name, one in _reached(runs, recipe).items()} for recipe in RECIPES}


def references(recipe: str) -> dict[str, Reference]:
    """Each version's reference under a recipe; empty if there are none."""
    summary = _summary(SUMMARY).get(recipe)
    found = summary.items() if isinstance(summary, Mapping) else ()
    return {version: one for version, content in found if (one := _reference(content))}


@dataclass(frozen=True)
class ValidationCurve:
    """The validation of one run, a value for each epoch that ended.

    Attributes:
        epoch: From 1.
        accuracy: 0 to 1.
        nll: Nats.
    """

    epoch: tuple[int, ...]
    accuracy: tuple[float, ...]
    nll: tuple[float, ...]

    @classmethod
    def of(cls, epochs: Sequence[Epoch]) -> ValidationCurve:
        """The curve of these epochs."""
        return cls(
            tuple(one.epoch for one in epochs),
            tuple(one.validation_accuracy for one in epochs),
            tuple(one.validation_nll for one in epochs),
        )


@dataclass(frozen=True)
class ReferenceRuns:
    """The reference runs compared under one recipe.

    Attributes:
        comparison: Over all of them.
        curves: The validation of each version's best run, by its id.
        reliability: The reliability diagrams of the same runs.
    """

    comparison: Comparison
    curves: dict[str, ValidationCurve]
    reliability: dict[str, tuple[Bin, ...]]


def bundled(records: Sequence[Run]) -> bytes:
    """The content of RUNS: for each recipe `ReferenceRuns` of the eligible runs of `records`, as JSON."""
    found = {}
    for recipe in RECIPES:
        comparison = compare(records, recipe)
        best = {one.run_id: one for one in records if one.run_id in {each.best_run for each in comparison.versions}}
        found[recipe] = ReferenceRuns(
            replace(comparison, excluded=(), n_comparable=0, compared=frozenset(best)),
            {run: _rounded(ValidationCurve.of(record.epochs)) for run, record in sorted(best.items())},
            {run: tuple(map(_rounded, reliability(record.predictions))) for run, record in sorted(best.items())},
        )
    return msgspec.json.encode(found, order="sorted") + b"\n"


@cache
def reference_runs() -> dict[str, ReferenceRuns]:
    """The reference runs that come with the package, by recipe. Reads a file when first called."""
    return msgspec.json.decode(RUNS.read_bytes(), type=dict[str, ReferenceRuns])


T = TypeVar("T", ValidationCurve, Bin)


def _rounded(one: T) -> T:
    return replace(one, **{name: _round(value) for name, value in vars(one).items()})


def _round(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(map(_round, value))
    return round(value, _DIGITS) if isinstance(value, float) else value


def reference_cell(reference: Reference) -> str:
    """For example 93.71 ± 0.05% (3): mean, standard deviation and number of runs."""
    sd = "" if reference.sd is None else f" ± {reference.sd * 100:.2f}"
    return f"{reference.mean * 100:.2f}{sd}% ({reference.n})"


def reference_line(recipe: str) -> str:
    """All versions' references in one line; "" if there are none."""
    cells = [f"{version} {reference_cell(one)}" for version, one in references(recipe).items()]
    return f"Reference accuracies, shipped with fmnist-tui (number of runs): {', '.join(cells)}" if cells else ""


def _reached(runs: Sequence[Run], recipe: str) -> dict[str, Reference]:
    accuracies = {one.version: one.test_accuracy for one in compare(runs, recipe).versions}
    return {version: Reference(one.mean, one.sd, one.n) for version, one in accuracies.items()}


@cache
def _summary(path: Path) -> Mapping[str, Any]:
    return read_json(path) or {}


def _reference(content: object) -> Reference | None:
    try:
        return msgspec.convert(content, Reference)
    except msgspec.ValidationError:
        return None
