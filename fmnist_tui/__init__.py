"""The terminal lab for training image classifiers over SSH.

The names below are the public Python API; each is imported when it is first used, so that `import fmnist_tui` is
instant. Everything else in the package may change without notice.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from fmnist_tui.version import __version__

if TYPE_CHECKING:
    from fmnist_tui.api import Training as Training
    from fmnist_tui.api import analyse as analyse
    from fmnist_tui.api import compare as compare
    from fmnist_tui.api import compare_models as compare_models
    from fmnist_tui.api import export as export
    from fmnist_tui.api import load_data as load_data
    from fmnist_tui.api import open_run as open_run
    from fmnist_tui.api import resume as resume
    from fmnist_tui.api import runs as runs
    from fmnist_tui.api import train as train
    from fmnist_tui.models.registry import register_model as register_model
    from fmnist_tui.models.spec import ModelSpec as ModelSpec
    from fmnist_tui.runs.run import Run as Run

_MODULES = {
    "ModelSpec": "fmnist_tui.models.spec",
    "Run": "fmnist_tui.runs.run",
    "Training": "fmnist_tui.api",
    "analyse": "fmnist_tui.api",
    "compare": "fmnist_tui.api",
    "compare_models": "fmnist_tui.api",
    "export": "fmnist_tui.api",
    "load_data": "fmnist_tui.api",
    "open_run": "fmnist_tui.api",
    "register_model": "fmnist_tui.models.registry",
    "resume": "fmnist_tui.api",
    "runs": "fmnist_tui.api",
    "train": "fmnist_tui.api",
}

__all__ = ["__version__", *_MODULES]  # noqa: PLE0604 - they are strings


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_MODULES})
