"""The yardstick: products of large float32 matrices."""

from __future__ import annotations

from benchmarks.spec import Spec
from fmnist_tui.analysis.bench import products


class Product:
    """NumPy's."""

    def __init__(self, spec: Spec) -> None:
        self._multiply = products("cpu", spec.threads, spec.side)

    def turn(self, amount: int) -> None:
        """So many products."""
        self._multiply(amount)
