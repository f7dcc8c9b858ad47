"""The form that starts trainings: empty fields take the recipe's values."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Input, Label, Select

from fmnist_tui.training.config import ConfigError, TrainingConfig
from fmnist_tui.training.recipes import RECIPES, configure, hyperparameters

_DEVICES = ("auto", "cpu", "cuda", "mps")
_PROCESS, _IN_APP = "process", "app"
_WHOLE = ("epochs", "batch_size", "seed", "seeds", "limit")
_LABELS = {
    "epochs": "epochs",
    "batch_size": "batch size",
    "learning_rate": "learning rate",
    "seed": "first seed",
    "seeds": "seeds",
    "limit": "limit",
}
_MOST_SEEDS = 100


class TrainForm(Vertical):
    """Recipe, hyper-parameters, device, and where to train."""

    def __init__(self, *, in_app: bool) -> None:
        super().__init__()
        self._in_app = in_app

    def compose(self) -> ComposeResult:
        """A line a field."""
        with Horizontal():
            yield Label("recipe")
            yield Select(_options(RECIPES), value="tuned", allow_blank=False, id="recipe", compact=True)
        for name, label in _LABELS.items():
            with Horizontal():
                yield Label(label)
                yield Input(id=name, type="integer" if name in _WHOLE else "number", compact=True)
        with Horizontal():
            yield Label("device")
            yield Select(_options(_DEVICES), value="auto", allow_blank=False, id="device", compact=True)
        with Horizontal():
            yield Label("train in")
            chosen = _IN_APP if self._in_app else _PROCESS
            yield Select(_options((_PROCESS, _IN_APP)), value=chosen, allow_blank=False, id="in_app", compact=True)

    @property
    def in_app(self) -> bool:
        """Whether to train in the app's own process."""
        return self._choice("in_app") == _IN_APP

    def show_version(self, version: str) -> None:
        """Shows the version's recipe's values where fields are empty."""
        recipe = hyperparameters(version, self._choice("recipe"))
        shown = {
            "epochs": str(recipe.epochs),
            "batch_size": str(recipe.batch_size),
            "learning_rate": f"{recipe.learning_rate:g}",
            "seed": "0",
            "seeds": "1",
            "limit": "all images",
        }
        for name, value in shown.items():
            self.query_one(f"#{name}", Input).placeholder = value

    def configs(self, versions: Sequence[str]) -> list[TrainingConfig]:
        """What the form asks for, a configuration for each version and seed.

        Raises:
            ConfigError: A field's value can't be trained with.
        """
        first, count = self._whole("seed") or 0, self._whole("seeds")
        if count is not None and not 1 <= count <= _MOST_SEEDS:
            raise ConfigError(f"seeds {count} is not between 1 and {_MOST_SEEDS}")
        changes = {name: self._whole(name) for name in ("epochs", "batch_size")}
        rate = {"learning_rate": self._number("learning_rate")}
        own = {"limit": self._whole("limit"), "device": self._choice("device")}
        recipe = self._choice("recipe")
        return [
            configure(version, recipe, {**changes, **rate}, seed=seed, **own)
            for version in versions
            for seed in range(first, first + (count or 1))
        ]

    def _choice(self, name: str) -> str:
        return str(self.query_one(f"#{name}", Select).value)

    def _whole(self, name: str) -> int | None:
        text = self.query_one(f"#{name}", Input).value.strip()
        try:
            return int(text) if text else None
        except ValueError:
            raise ConfigError(f"{_LABELS[name]} {text!r} is not a whole number") from None

    def _number(self, name: str) -> float | None:
        text = self.query_one(f"#{name}", Input).value.strip()
        try:
            return float(text) if text else None
        except ValueError:
            raise ConfigError(f"{_LABELS[name]} {text!r} is not a number") from None


def _options(names: Sequence[str]) -> list[tuple[str, str]]:
    return [(name, name) for name in names]
