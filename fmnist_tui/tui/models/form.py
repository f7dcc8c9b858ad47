"""The form that configures trainings; empty fields mean the recipe's values."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Literal

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widgets import Input, Label, Select

from fmnist_tui.models.hyperparameters import ConfigError, check_range
from fmnist_tui.training.config import TrainingConfig
from fmnist_tui.training.recipes import FLIPS, RECIPES, configure_all, hyperparameters
from fmnist_tui.tui.models.forecast import DEVICES
from fmnist_tui.tui.models.more_settings import PREFIX, MoreSettings
from fmnist_tui.tui.widgets.choices import Picker
from fmnist_tui.tui.widgets.fitted import update_changed

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
_TOOLTIPS = {
    "recipe": "tuned: chosen on validation accuracy. origin: the settings of the original project",
    "epochs": "Passes over the training images",
    "batch_size": "Images per step",
    "learning_rate": "The highest value that the schedule reaches",
    "seed": "All randomness is derived from it",
    "seeds": "Runs per model, with consecutive seeds",
    "limit": "Number of training images: the first ones, or, if labels are sorted, some of each class",
    "flip": "Flip training images left-right: auto (if that suits the data set), on, off",
    "device": "Device for PyTorch models; NumPy models train on the CPU",
    "in_app": "process: training continues when the app is closed. app: it ends with the app",
}
_MOST_SEEDS = 100
_LONGEST = 40
"""Characters of a number; the rest of a longer paste is cut off."""


class _Field(Input):
    """A number; empty, it shows the recipe's value, as readable as one that was typed."""

    BINDINGS = [Binding("enter", "submit", "Done", tooltip="Leave the field")]


class TrainForm(Vertical):
    """Recipe, hyper-parameters, device, and the process to train in. What differs from the recipe is marked with *."""

    BINDINGS = [
        Binding("escape", "screen.leave_field", "Back to the models", tooltip="From the form back to the models"),
        Binding("tab", "app.focus_next", "Next field"),
    ]

    class Changed(Message):
        """A field's value changed."""

    def __init__(self, values: Mapping[str, str], *, in_app: bool) -> None:
        """Fill the fields.

        Args:
            values: By field, from the last use; invalid ones are ignored.
            in_app: Whether training in the app's own process is preselected.
        """
        super().__init__()
        self._first_values = {**values, "in_app": _IN_APP if in_app else _PROCESS}

    def compose(self) -> ComposeResult:
        """One line per field."""
        with Horizontal():
            yield Label("recipe")
            yield self._select("recipe", RECIPES)
        for name, label in _LABELS.items():
            with Horizontal():
                yield Label(label, id=f"label-{name}")
                kind: Literal["integer", "number"] = "integer" if name in _WHOLE else "number"
                value = self._first_values.get(name, "")
                yield _Field(value, id=name, type=kind, max_length=_LONGEST, compact=True, tooltip=_TOOLTIPS[name])
        with Horizontal():
            yield Label("flips", id="flips")
            yield self._select("flip", FLIPS)
        with Horizontal():
            yield Label("device")
            yield self._select("device", DEVICES)
        with Horizontal():
            yield Label("train in")
            yield self._select("in_app", (_PROCESS, _IN_APP))
        yield MoreSettings(self._first_values)

    @on(Select.Changed)
    @on(Input.Changed)
    @on(MoreSettings.Changed)
    def _forward_change(self, event: Message) -> None:
        event.stop()
        self.post_message(self.Changed())

    @property
    def in_app(self) -> bool:
        """Whether to train in the app's own process."""
        return self._choice("in_app") == _IN_APP

    @property
    def recipe(self) -> str:
        """The chosen recipe."""
        return self._choice("recipe")

    @property
    def values(self) -> dict[str, str]:
        """The fields' values by name, without empty ones."""
        typed = {name: self.query_one(f"#{name}", Input).value for name in _LABELS}
        chosen = {name: self._choice(name) for name in ("recipe", "flip", "device")}
        more = {f"{PREFIX}{name}": value for name, value in self.query_one(MoreSettings).values.items()}
        return {name: value for name, value in (typed | chosen | more).items() if value}

    def fill(self, values: Mapping[str, str]) -> None:
        """Fills in values of the last use where nothing has been typed or chosen yet."""
        for name in _LABELS:
            field = self.query_one(f"#{name}", Input)
            if not field.value and name in values:
                field.value = values[name]
        for name, choices in (("recipe", RECIPES), ("flip", FLIPS), ("device", DEVICES)):
            if self._choice(name) == choices[0] and values.get(name) in choices:
                self.query_one(f"#{name}", Select).value = values[name]
        self.query_one(MoreSettings).fill(values)

    def show_recipe(self, models: Sequence[str]) -> None:
        """Shows in empty fields the values of the chosen recipe of these models."""
        recipes = [hyperparameters(model, self._choice("recipe")) for model in models]
        shown = {
            "epochs": _common(str(recipe.epochs) for recipe in recipes),
            "batch_size": _common(str(recipe.batch_size) for recipe in recipes),
            "learning_rate": _common(f"{recipe.learning_rate:g}" for recipe in recipes),
            "seed": "0",
            "seeds": "1",
            "limit": "all images",
        }
        for name, value in shown.items():
            self.query_one(f"#{name}", Input).placeholder = value
        self.query_one(MoreSettings).show_recipe(models, self._choice("recipe"))

    def mark_changes(self, changed: Collection[str]) -> None:
        """Marks the fields of these settings: they differ from the recipe's."""
        for field, setting in (*((name, name) for name in _LABELS), ("flip", "flip")):
            row = self.query_one(f"#{field}").parent
            if row:
                row.set_class(setting in changed, "changed")
        for name, label in _LABELS.items():
            mark = "*" if name in changed else ""
            update_changed(self.query_one(f"#label-{name}", Label), f"{label} {mark}")
        self.query_one(MoreSettings).mark_changes(changed)

    def show_flips(self, flips: bool | None) -> None:  # noqa: FBT001
        """Shows whether images will be flipped; None if that isn't known yet."""
        text = {None: "flips", True: "flips: on", False: "flips: off"}[flips]
        update_changed(self.query_one("#flips", Label), text)

    def configs(self, models: Sequence[str]) -> list[TrainingConfig]:
        """A configuration for each model and seed.

        Raises:
            ConfigError: A field's value is invalid.
        """
        first, count = self._whole("seed") or 0, self._whole("seeds")
        if count is not None:
            check_range("seeds", count, 1, _MOST_SEEDS)
        changes = {name: self._whole(name) for name in ("epochs", "batch_size")}
        rate = {"learning_rate": self._number("learning_rate")}
        seeds = range(first, first + (count or 1))
        recipe, device, flip = self._choice("recipe"), self._choice("device"), self._choice("flip")
        settings: dict[str, Any] = {"limit": self._whole("limit"), "flip": flip}
        settings["given"] = self.query_one(MoreSettings).given(models, recipe)
        return configure_all(models, seeds, recipe, {**changes, **rate}, device, **settings)

    def _select(self, name: str, choices: Sequence[str]) -> Picker:
        before = self._first_values.get(name, "")
        value = before if before in choices else choices[0]
        return Picker(choices, value, id=name, tooltip=_TOOLTIPS[name])

    def _choice(self, name: str) -> str:
        return str(self.query_one(f"#{name}", Picker).value)

    def _whole(self, name: str) -> int | None:
        text = self.query_one(f"#{name}", Input).value.strip()
        try:
            return int(text) if text else None
        except ValueError:
            raise ConfigError(f"invalid {_LABELS[name]} {text!r} (must be a whole number)") from None

    def _number(self, name: str) -> float | None:
        text = self.query_one(f"#{name}", Input).value.strip()
        try:
            return float(text) if text else None
        except ValueError:
            raise ConfigError(f"invalid {_LABELS[name]} {text!r} (must be a number)") from None


def _common(values: Iterable[str]) -> str:
    """The value that all have, if they have the same one."""
    different = set(values)
    return different.pop() if len(different) == 1 else "varies by model"
