"""The reference runs' accuracies, which come with the package; `assets/reference` has the runs themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from fmnist_tui.analysis.comparison import compare
from fmnist_tui.files import read_json
from fmnist_tui.runs.run import Run
from fmnist_tui.training.recipes import RECIPES

SUMMARY = Path(__file__).parent / "reference.json"


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
