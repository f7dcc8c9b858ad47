"""The form that starts trainings: empty fields take the recipe's values."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widgets import Button, Checkbox, Input, Label, Select, Static

from fmnist_tui.training.config import ConfigError, TrainingConfig
from fmnist_tui.training.recipes import RECIPES, configure, hyperparameters

_DEVICES = ("auto", "cpu", "cuda", "mps")
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

    class Submitted(Message):
        """A button was pressed: this version, or all."""

        def __init__(self, *, everything: bool) -> None:
            super().__init__()
            self.everything = everything

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
        yield Checkbox("in the app itself (ends with it)", self._in_app, id="in_app", compact=True)
        with Horizontal(id="buttons"):
            yield Button("Train", id="one", variant="primary", compact=True)
            yield Button("Train all four", id="all", compact=True)
        yield Static(id="fault")

    @property
    def in_app(self) -> bool:
        """Whether to train in the app's own process."""
        return self.query_one("#in_app", Checkbox).value

    def show_version(self, version: str) -> None:
        """Names the version on the button, and shows its recipe's values where fields are empty."""
        self.query_one("#one", Button).label = f"Train {version}"
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

    def show_fault(self, words: str) -> None:
        """Says what is wrong with the form; "" for nothing."""
        self.query_one("#fault", Static).update(Text(words))

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Asks for the training."""
        event.stop()
        self.post_message(self.Submitted(everything=event.button.id == "all"))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter in a field trains the version that is shown."""
        event.stop()
        self.post_message(self.Submitted(everything=False))

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
