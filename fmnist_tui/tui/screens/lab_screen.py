"""What the full screens share."""

from __future__ import annotations

from textual import on
from textual.events import ScreenResume
from textual.screen import Screen


class LabScreen(Screen[None]):
    """A screen whose styles stay as they are while it isn't seen.

    Textual would apply them anew to every widget each time that the screen is shown, a third of what a key waits for.
    Another theme is applied in any case: the app counts its changes.
    """

    @on(ScreenResume)
    def _keep_styles(self, event: ScreenResume) -> None:
        event.refresh_styles = False
