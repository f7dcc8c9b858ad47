"""The reference runs' accuracies, which come with the package; `assets/reference` holds the runs themselves."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from fmnist_tui.analysis.comparison import compare
from fmnist_tui.analysis.record import RunRecord
from fmnist_tui.analysis.spread import Spread
from fmnist_tui.analysis.values import Record, nested, number, whole
from fmnist_tui.files import read_json
from fmnist_tui.training.recipes import RECIPES

SUMMARY = Path(__file__).parent / "reference.json"


def summarised(records: Sequence[RunRecord]) -> dict[str, dict[str, dict[str, Any]]]:
    """What SUMMARY holds: for each recipe and version the test accuracy's "mean", "sd" (null for one run) and "n"."""
    return {
        recipe: {
            one.version: {"mean": one.test_accuracy.mean, "sd": one.test_accuracy.sd, "n": one.runs}
            for one in compare(records, recipe).versions
        }
        for recipe in RECIPES
    }


@cache
def references(recipe: str) -> dict[str, Spread]:
    """Each version's test accuracy (0 to 1) over the reference runs; empty where there are none of the recipe."""
    told = nested(read_json(SUMMARY) or {}, recipe)
    return {version: spread for version in told if (spread := _spread(nested(told, version)))}


def _spread(told: Record) -> Spread | None:
    mean, count = number(told, "mean"), whole(told, "n")
    return None if mean is None or count is None else Spread(mean, number(told, "sd"), count)
