"""The panel of predictions: asks the networks of the chosen runs, and shows their answers side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from rich.text import Text
from textual import getters
from textual.message import Message
from textual.widgets import Static

from fmnist_tui.inspection.edits import Pixels, is_blank
from fmnist_tui.inspection.requests import Answer, Failed, Packed, Predict, Probabilities
from fmnist_tui.runs.run import Run
from fmnist_tui.tui.app_state import LabApp
from fmnist_tui.tui.playground.probabilities import Column, rendered
from fmnist_tui.tui.playground.selection import columns_of
from fmnist_tui.tui.playground.sketch import Picture

_LOADING = "loading ..."
_PATIENCE = 0.3
"""Seconds for which the answers about the picture before stay: usually the new ones are there by then."""
_NO_RUNS = (
    "No trained network to ask yet: train one on the Models screen (2), v0 takes the shortest time. What you draw here "
    "can be saved as a picture (w)."
)


class Predictions(Static):
    """What the chosen runs' networks predict for the image that was asked about last.

    Attributes:
        chosen: The runs.
        columns: The answer of each.
    """

    app = getters.app(LabApp)

    class Answered(Message):
        """An answer about one run's network has come."""

        def __init__(self, run: str, answer: Answer, begun: Picture) -> None:
            super().__init__()
            self.run = run
            self.answer = answer
            self.begun = begun

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.chosen: list[Run] = []
        self.columns: list[Column] = []
        self._class_names: tuple[str, ...] = ()
        self._begun: Picture | None = None
        self._is_blank = False
        self._shown: tuple[Any, ...] = ()
        self._complaints: dict[str, str] = {}

    def select(self, chosen: Sequence[Run]) -> None:
        """Takes other runs; the answers of those that stay are shown until there are newer ones."""
        known = {record.run_id: column for record, column in zip(self.chosen, self.columns, strict=True)}
        self.columns = []
        for record, column in zip(chosen, columns_of(chosen, _LOADING), strict=True):
            before = known.get(record.run_id, column)
            self.columns.append(replace(column, values=before.values, of=before.of))
        self.chosen = list(chosen)

    def ask(self, image: Pixels, classes: tuple[str, ...], begun: Picture) -> None:
        """Asks all networks about an image (C, H, W) that began as `begun`; answers about others are dropped."""
        self._class_names, self._is_blank = classes, is_blank(image)
        if begun is not self._begun:
            self._begun = begun
            self.set_timer(_PATIENCE, self._clear_others)
        packed = Packed.of(np.ascontiguousarray(image))
        for record in self.chosen:
            if not record.has_weights:
                continue
            run = str(record.path.absolute())
            self.app.inspection.send(Predict(run=run, image=packed), partial(self._pass_on, record.run_id, begun))
        self.show()

    def on_resize(self) -> None:
        """Fits the text to the new size."""
        self.show()

    def on_predictions_answered(self, message: Answered) -> None:
        """Shows new probabilities, or why there are none."""
        at = next((i for i, record in enumerate(self.chosen) if record.run_id == message.run), None)
        if at is None or message.begun is not self._begun:
            return
        if isinstance(message.answer, Probabilities):
            self.columns[at] = replace(self.columns[at], values=tuple(message.answer.values), of=message.begun, note="")
            self._complaints.pop(message.run, None)
        elif isinstance(message.answer, Failed):
            reason = message.answer.reason.removeprefix(f"run {message.run}: ")
            self.columns[at] = replace(self.columns[at], values=(), note=reason)
            if message.answer.reason not in self._complaints.values():
                self.notify(message.answer.reason, severity="error", markup=False)
            self._complaints[message.run] = message.answer.reason
        self.show()

    def show(self) -> None:
        """Shows the answers; the same again costs nothing."""
        blank = self._is_blank
        shown = (tuple(self.columns), self._class_names, *self.size, self.app.current_theme)
        pictures = [id(column.of) for column in self.columns]
        if not self.columns:
            state = self.app.runs_state
            self._shown = ()
            self.update(Text(_NO_RUNS if state.complete else state.loading), layout=False)
        elif (*shown, blank, *pictures) != self._shown:
            self._shown = (*shown, blank, *pictures)
            self.update(rendered(*shown, is_blank=blank), layout=False)

    def _clear_others(self) -> None:
        """Removes answers about the picture before: a network is loading."""
        self.columns = [
            column if column.of is self._begun else replace(column, values=(), note=column.note or _LOADING)
            for column in self.columns
        ]
        self.show()

    def _pass_on(self, run: str, begun: Picture, answer: Answer) -> None:
        self.post_message(self.Answered(run, answer, begun))
