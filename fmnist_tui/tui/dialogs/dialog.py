"""What screens share: full screens, and the dialogs that open over them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from textual import on
from textual.await_complete import AwaitComplete
from textual.binding import Binding
from textual.css.query import NoMatches
from textual.errors import NoWidget
from textual.events import ScreenResume
from textual.message import Message
from textual.screen import ModalScreen, Screen

if TYPE_CHECKING:
    _Mixed = Screen[Any]
else:
    _Mixed = object


class AnsweredOnce(_Mixed):
    """Makes that a screen is dismissed once, while it is on top.

    Keys come in bursts: those behind the one that answered it are on their way already. Textual raises an error at the
    second answer, which ends the app. A screen may even be closed before its widgets are there.

    Attributes:
        is_over: Whether it is closed; late messages still reach it. The app sets it.
    """

    is_over = False

    def dismiss(self, result: Any = None) -> AwaitComplete:
        """Closes the screen with an answer; later answers do nothing."""
        stack = self.app.screen_stack
        if self.is_over or len(stack) < 2 or stack[-1] is not self:
            return AwaitComplete()
        closing: AwaitComplete = super().dismiss(result)
        return closing

    def watch_app(self, attribute: str, callback: Callable[[Any], object]) -> None:
        """Calls `callback` with the value of one of the app's reactive attributes, now and when it changes."""

        def call(value: Any) -> None:
            with self._until_over():
                callback(value)

        self.watch(self.app, attribute, call)

    async def _dispatch_message(self, message: Message) -> None:
        with self._until_over(), suppress(NoWidget):  # a click on a place that the terminal hasn't any more
            await super()._dispatch_message(message)

    @contextmanager
    def _until_over(self) -> Iterator[None]:
        """A widget that isn't found is no fault once the screen, or the app, is closed."""
        try:
            yield
        except NoMatches:
            if not (self.is_over or getattr(self.app, "is_leaving", False)):
                raise


class LabScreen(AnsweredOnce, Screen[None]):
    """A screen whose styles stay as they are while it isn't seen.

    Textual would apply them anew to every widget each time that the screen is shown, a third of what a key waits for.
    Another theme is applied in any case: the app counts its changes.
    """

    @on(ScreenResume)
    def _keep_styles(self, event: ScreenResume) -> None:
        event.refresh_styles = False


Answer = TypeVar("Answer")


class Dialog(AnsweredOnce, ModalScreen[Answer]):
    """Dismisses with an answer, or with None."""

    CSS_PATH = Path(__file__).with_name("dialog.tcss")  # subclasses live in other folders
    BINDINGS = [
        Binding("escape", "dismiss", "Back"),
        Binding("1", "app.go('dataset')", show=False),
        Binding("2", "app.go('models')", show=False),
        Binding("3", "app.go('training')", show=False),
        Binding("4", "app.go('results')", show=False),
    ]
