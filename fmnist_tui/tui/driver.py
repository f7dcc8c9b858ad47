"""Textual's driver, which reports the escape key sooner."""

from __future__ import annotations

import os
import selectors
from codecs import getincrementaldecoder

from textual import constants
from textual.drivers import linux_driver

_ESCAPE_SECONDS = 0.025
"""A terminal sends the rest of a sequence with its first byte. Textual waits a tenth of a second for it, or two."""
_LOOK_SECONDS = 0.1
"""After which the thread looks whether the app has ended."""


class LabDriver(linux_driver.LinuxDriver):
    """Looks again as soon as what began with an escape can't be a sequence any more."""

    def run_input_thread(self) -> None:
        """Passes keys on until the app ends."""
        selector = selectors.SelectSelector()
        selector.register(self.fileno, selectors.EVENT_READ)
        decode = getincrementaldecoder("utf-8")().decode
        parser = vars(linux_driver)["XTermParser"](self._debug)  # ours, where the terminal is asked for images
        if "ESCDELAY" not in os.environ:
            setattr(constants, "ESCAPE_DELAY", _ESCAPE_SECONDS)  # noqa: B010 - typed as final
        is_over = False
        try:
            while not is_over:
                is_over = self.exit_event.is_set()
                waits = parser._timeout_time is not None
                if selector.select(constants.ESCAPE_DELAY if waits else _LOOK_SECONDS):
                    text = decode(os.read(self.fileno, 4096))
                    for event in parser.feed(text) if text else ():
                        self.process_message(event)
                for event in parser.tick():
                    self.process_message(event)
        finally:
            selector.close()
