"""What the full screens share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textual import on
from textual.await_complete import AwaitComplete
from textual.events import ScreenResume
from textual.screen import Screen

if TYPE_CHECKING:
    _Mixed = Screen[Any]
else:
    _Mixed = object


class AnsweredOnce(_Mixed):
    """Makes that a screen is dismissed once, while it is on top.

    Keys come in bursts: those behind the one that answered it are on their way already. Textual raises an error at the
    second answer, which ends the app.
    """

    _answered = False

    def dismiss(self, result: Any = None) -> AwaitComplete:
        """Closes the screen with an answer; later answers do nothing."""
        stack = self.app.screen_stack
        if self._answered or len(stack) < 2 or stack[-1] is not self:
            return AwaitComplete()
        self._answered = True
        closing: AwaitComplete = super().dismiss(result)
        return closing


class LabScreen(AnsweredOnce, Screen[None]):
    """A screen whose styles stay as they are while it isn't seen.

    Textual would apply them anew to every widget each time that the screen is shown, a third of what a key waits for.
    Another theme is applied in any case: the app counts its changes.
    """

    @on(ScreenResume)
    def _keep_styles(self, event: ScreenResume) -> None:
        event.refresh_styles = False
