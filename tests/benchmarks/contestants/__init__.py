"""Those who are measured: ours, and what people would use instead, written as they would write it."""

from __future__ import annotations

import importlib
from typing import Protocol

from benchmarks.spec import Spec

BUILDERS = {
    "v0": ("ours", "Bare"),
    "v0 watched": ("ours", "Watched"),
    "v3": ("ours", "Bare"),
    "v0 kept": ("kept", "Kept"),
    "v3 kept": ("kept", "Kept"),
    "v3 validation": ("ours", "Validation"),
    "matrix product": ("product", "Product"),
    "v0 scikit-learn": ("sklearn_mlp", "ScikitLearn"),
    "v0 PyTorch": ("plain_torch", "PlainDense"),
    "v3 PyTorch": ("plain_torch", "PlainCnn"),
    "v3 PyTorch validation": ("plain_torch", "PlainValidation"),
}
"""Module and class, so that a process imports what its contestant needs and nothing else."""


class Contestant(Protocol):
    """One that takes turns."""

    def turn(self, amount: int) -> None:
        """So many steps (or products, or images to evaluate), done when it returns."""


def build(spec: Spec) -> Contestant:
    """The contestant of that name."""
    module, name = BUILDERS[spec.name]
    contestant: Contestant = getattr(importlib.import_module(f"{__name__}.{module}"), name)(spec)
    return contestant


def import_all() -> None:
    """All modules of contestants."""
    for module, _ in BUILDERS.values():
        importlib.import_module(f"{__name__}.{module}")
