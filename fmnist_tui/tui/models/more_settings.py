"""The form's further settings: all hyper-parameters and those of the model, collapsed until they are needed."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from rich.markup import escape
from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.suggester import SuggestFromList
from textual.widgets import Button, Input, Label

from fmnist_tui.models.options import Option
from fmnist_tui.models.registry import all_models, get_model
from fmnist_tui.training.recipes import MODEL, hyperparameters, options_for
from fmnist_tui.tui.widgets.fitted import update_changed

ELSEWHERE = ("epochs", "batch_size", "learning_rate", "flip")
"""Settings that have fields of their own in the form."""
PREFIX = "set."
"""How the names of these fields begin among the form's values."""
_LONGEST = 40
_AT_ONCE = 4
"""Fields that are made before another key is looked at."""


@dataclass(frozen=True)
class _Shown:
    """A setting of the chosen models, and what its value is if nothing is typed."""

    option: Option
    usual: str


class MoreSettings(Vertical):
    """A line that opens and closes, and below it a field for each setting that the chosen models have."""

    class Changed(Message):
        """A value was typed."""

    def __init__(self, values: Mapping[str, str]) -> None:
        """Take over the values of the last use."""
        super().__init__(id="more")
        self.values: dict[str, str] = {}
        """What was typed, by the settings' names, also for models that aren't chosen now."""
        self.is_open = False
        self._shown: dict[str, _Shown] = {}
        self._changed: Collection[str] = ()
        self.fill(values)

    def compose(self) -> ComposeResult:
        """The line; the fields follow when it is opened first."""
        yield Button(self._title(), id="toggle-more", compact=True)

    def fill(self, values: Mapping[str, str]) -> None:
        """Take over values of an earlier use, named "set.NAME", where nothing was typed yet."""
        for name, value in values.items():
            if name.startswith(PREFIX) and value:
                self.values.setdefault(name.removeprefix(PREFIX), value)
        if self.is_mounted:
            for name, value in self.values.items():
                for field in self.query(f"#{_id(name)}").results(Input):
                    field.value = value
            self._retitle()

    def given(self, models: Sequence[str], recipe: str) -> dict[str, str]:
        """What was typed of the settings that these models have."""
        return {name: self.values[name] for name in _shown_for(models, recipe, self.values) if self.values.get(name)}

    def show_recipe(self, models: Sequence[str], recipe: str) -> None:
        """Show the settings that all of these models have, with the recipe's values where nothing is typed."""
        self._shown = _shown_for(models, recipe, self.values)
        if self.is_open:
            self._lay_out()
        self._retitle()

    def mark_changes(self, changed: Collection[str]) -> None:
        """Mark the fields of these settings: they differ from the recipe's."""
        self._changed = changed
        for field in self.query(Input) if self.is_open else ():
            name = field.name or ""
            if isinstance(field.parent, Horizontal):
                field.parent.set_class(name in changed, "changed")
                update_changed(field.parent.query_one(Label), f"{_label(name)}{'*' if name in changed else ''}")
        self._retitle()

    async def toggle(self) -> None:
        """Open or close the section; its fields are made when it is opened first, which takes a moment."""
        self.is_open = not self.is_open
        if self.is_open:
            await self.mount_all(self._missing())
        self._lay_out()
        self.mark_changes(self._changed)

    def steps_ahead(self) -> Iterator[object]:
        """Makes the fields, some at a time, before anybody asks for them."""
        while missing := list(islice(self._missing(), _AT_ONCE)):
            for row in missing:
                row.display = False
            yield self.mount_all(missing)

    def _missing(self) -> Iterator[Horizontal]:
        """The fields that aren't there yet."""
        there = {field.name for field in self.query(Input)}
        options = (option for option in _all_options() if option.name not in there)
        return (_row(option, self.values.get(option.name, "")) for option in options)

    def _lay_out(self) -> None:
        for field in self.query(Input):
            shown = self._shown.get(field.name or "")
            if isinstance(field.parent, Horizontal):
                field.parent.display = shown is not None and self.is_open
            if shown:
                field.placeholder = shown.usual

    @on(Button.Pressed, "#toggle-more")
    async def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        await self.run_action("screen.more")  # which also makes room for the fields

    @on(Input.Changed)
    def _take_value(self, event: Input.Changed) -> None:
        event.stop()
        name, value = event.input.name or "", event.value.strip()
        if value != self.values.get(name, ""):
            self.values[name] = value
            self.post_message(self.Changed())

    def _title(self) -> str:
        set_now = [name for name in self._shown if self.values.get(name)]
        changed = f": {len(set_now)} set" if set_now else ""
        return f"{'-' if self.is_open else '+'} More settings{changed}"

    def _retitle(self) -> None:
        for button in self.query("#toggle-more").results(Button):
            if str(button.label) != self._title():
                button.label = self._title()


def _all_options() -> list[Option]:
    """The settings of all models, each name once; the models' own come last."""
    found: dict[str, Option] = {}
    for model in all_models():
        for option in options_for(model):
            if option.name not in ELSEWHERE:
                found.setdefault(option.name, option)
    return sorted(found.values(), key=lambda option: option.name.startswith(MODEL))


def _shown_for(models: Sequence[str], recipe: str, values: Mapping[str, str]) -> dict[str, _Shown]:
    """The settings that all of these models have, with their optimisers, and the values of their recipe."""
    found: list[dict[str, _Shown]] = []
    for name in models:
        settings = hyperparameters(name, recipe)
        optimizer = values.get("optimizer") or settings.optimizer
        found.append(
            {
                option.name: _Shown(option, option.write(_usual(option, settings)))
                for option in options_for(get_model(name))
                if option.name not in ELSEWHERE and (not option.optimizers or optimizer in option.optimizers)
            }
        )
    common = [name for name in found[0] if all(name in one for one in found)] if found else []
    return {name: _merged([one[name] for one in found]) for name in common}


def _usual(option: Option, settings: Any) -> Any:
    return option.default if option.name.startswith(MODEL) else getattr(settings, option.name)


def _merged(shown: Sequence[_Shown]) -> _Shown:
    usual = {one.usual for one in shown}
    return shown[0] if len(usual) == 1 else _Shown(shown[0].option, "varies by model")


def _row(option: Option, value: str) -> Horizontal:
    suggester = SuggestFromList(option.choices) if option.choices else None
    tooltip = escape(f"{option.documentation}\n{option.valid}")
    field = Input(
        value,
        name=option.name,
        id=_id(option.name),
        max_length=_LONGEST,
        compact=True,
        tooltip=tooltip,
        suggester=suggester,
    )
    return Horizontal(Label(escape(_label(option.name))), field)


def _id(name: str) -> str:
    return f"set-{name.replace('.', '-')}"


def _label(name: str) -> str:
    return name.removeprefix(MODEL).replace("_", " ")
