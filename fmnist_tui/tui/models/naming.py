"""Naming a model of one's own on the Models screen: the dialog, and what runs in a thread."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input, Static

from fmnist_tui.models.hyperparameters import ConfigError
from fmnist_tui.models.named import listed, name_model
from fmnist_tui.models.registry import find_model, is_free, put_custom
from fmnist_tui.models.spec import ImageShape, ModelSpec
from fmnist_tui.tui.base_screens import Dialog

_LONGEST = 4096
"""Characters of a path."""
_WAYS = "FILE.py:NAME or package.module:NAME; NAME is a class or function that builds an nn.Module"


class NameModelDialog(Dialog[str | None]):
    """Dismisses with what the user typed, or None."""

    def __init__(self, text: str = "", fault: str = "") -> None:
        """A dialog that isn't open yet.

        Args:
            text: What the field begins with.
            fault: Why that could not be used.
        """
        super().__init__()
        self._text = text
        self._fault = fault

    def compose(self) -> ComposeResult:
        """Question, fault and field."""
        with Vertical(classes="dialog"):
            yield Static("Which model?")
            yield Static(Text(_WAYS), classes="muted")
            fault = Static(Text(self._fault), id="fault")
            fault.display = bool(self._fault)
            yield fault
            hint = "net.py:Net (enter checks and lists it)"
            yield Input(self._text, max_length=_LONGEST, placeholder=hint, select_on_focus=False)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Dismisses with the text."""
        if event.value.strip():
            self.dismiss(event.value.strip())


def find_models(publish: Callable[[], object]) -> None:
    """Makes entry points and models that were named before known, without running their code; called in a thread."""
    news = False
    for model in listed():
        known = find_model(model.name)
        if is_free(model.name) and (known is None or known.source != model.source):
            put_custom(model)
            news = True
    if news:
        publish()


def check_named(
    text: str,
    images: tuple[ImageShape, int],
    done: Callable[[ModelSpec], object],
    failed: Callable[[str, str], object],
) -> None:
    """Checks a model that the user named; called in a thread.

    Args:
        text: What the user typed.
        images: The shape of the images and the number of classes.
        done: Called with the model.
        failed: Called with the text and why it can't be used.
    """
    try:
        model = name_model(text, Path.cwd(), *images)
    except (ConfigError, OSError) as error:
        failed(text, str(error))
    else:
        done(model)
