"""A run's directory: manifest, log, lock, status, control; the queue, the training worker and what starts it."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any


class _CallablePackage(ModuleType):
    """Importing this package sets `fmnist_tui.runs`, which is also the name of a function of the public API."""

    def __call__(self, *given: Any, **named: Any) -> Any:
        return importlib.import_module("fmnist_tui.api").runs(*given, **named)


sys.modules[__name__].__class__ = _CallablePackage
