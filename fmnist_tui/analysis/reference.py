"""The reference runs' accuracies, which come with the package; `assets/reference` holds the runs themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from fmnist_tui.analysis.comparison import compare
from fmnist_tui.analysis.values import Record, nested, number, whole
from fmnist_tui.files import read_json
from fmnist_tui.runs.run import Run
from fmnist_tui.training.recipes import RECIPES

SUMMARY = Path(__file__).parent / "reference.json"


@dataclass(frozen=True)
class Reference:
    """What the reference runs of one version reached.

    Attributes:
        mean: Of their test accuracies, 0 to 1.
        sd: The sample's standard deviation; None for one run.
        n: How many runs.
    """

    mean: float
    sd: float | None
    n: int


def summarised(records: Sequence[Run]) -> dict[str, dict[str, dict[str, Any]]]:
    """What SUMMARY holds: for each recipe and version a Reference, over the runs of `records` that count."""
    return {recipe: {name: asdict(one) for name, one in _reached(records, recipe).items()} for recipe in RECIPES}


def references(recipe: str) -> dict[str, Reference]:
    """Each version's reference under a recipe; empty where there is none."""
    told = nested(_summary(SUMMARY), recipe)
    return {version: one for version in told if (one := _reference(nested(told, version)))}


def reference_cell(reference: Reference) -> str:
    """93.71 ± 0.05 % (3)."""
    sd = "" if reference.sd is None else f" ± {reference.sd * 100:.2f}"
    return f"{reference.mean * 100:.2f}{sd} % ({reference.n})"


def reference_line(recipe: str) -> str:
    """All versions' references in a line, or "" without any."""
    cells = [f"{version} {reference_cell(one)}" for version, one in references(recipe).items()]
    return f"Reference runs, which come with the program (how many): {', '.join(cells)}" if cells else ""


def _reached(records: Sequence[Run], recipe: str) -> dict[str, Reference]:
    accuracies = {one.version: one.test_accuracy for one in compare(records, recipe).versions}
    return {version: Reference(one.mean, one.sd, one.n) for version, one in accuracies.items()}


@cache
def _summary(path: Path) -> Record:
    return read_json(path) or {}


def _reference(told: Record) -> Reference | None:
    mean, count = number(told, "mean"), whole(told, "n")
    return None if mean is None or count is None else Reference(mean, number(told, "sd"), count)
