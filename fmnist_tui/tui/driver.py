"""Textual's driver, which reports the escape key sooner and never waits for a terminal that takes nothing."""

from __future__ import annotations

import os
import selectors
import signal
import termios
import time
from codecs import getincrementaldecoder
from contextlib import suppress
from queue import Empty

from textual import constants
from textual.drivers import linux_driver
from textual.drivers._writer_thread import WriterThread

_ESCAPE_SECONDS = 0.025
"""A terminal sends the rest of a sequence with its first byte. Textual waits a tenth of a second for it, or two."""
_LOOK_SECONDS = 0.1
"""After which the thread looks whether the app has ended."""
_MOST_WAITING = 10
"""Writes that may wait: as many frames as a terminal that reads takes at once."""
_TAKING_SECONDS = 1.0
"""How long the terminal may take what restores it, before what is on its way to it is dropped, and after that."""
_DROPPING_SECONDS = 0.02
"""Between two times that the few kilobytes are dropped that the kernel holds."""


class LabDriver(linux_driver.LinuxDriver):
    """Looks again as soon as what began with an escape can't be a sequence any more.

    A terminal takes nothing while its connection hangs or its user has stopped it. Textual's writes wait for it, and
    with them the app: no signal would end it, and a training in the app would not be saved.

    Attributes:
        was_abandoned: Whether the terminal took nothing when the app gave it back, so that nothing more can be written.
    """

    was_abandoned = False
    _restoring: list[str] | None = None

    @property
    def is_stuck(self) -> bool:
        """Whether the terminal doesn't take what was written: more would only wait."""
        return self._writer_thread is not None and self._writer_thread._queue.qsize() >= _MOST_WAITING

    def write(self, data: str) -> None:
        """As Textual does it, but any number of writes may wait."""
        if self._writer_thread is not None:
            self._writer_thread._queue.maxsize = 0
        if self._restoring is not None:
            self._restoring.append(data)
        super().write(data)

    def stop_application_mode(self) -> None:
        """As Textual does it; frames that a stuck terminal hasn't taken would only be drawn to be hidden."""
        if self._writer_thread is not None and self.is_stuck:
            with suppress(Empty):
                while True:
                    self._writer_thread._queue.get_nowait()
        self._restoring = []
        super().stop_application_mode()

    def close(self) -> None:
        """Waits until the terminal is restored; if it takes nothing, what is on its way to it is dropped."""
        restoring, self._restoring = "".join(self._restoring or ()), None
        writer, file = self._writer_thread, self._file
        if writer is None or file is None or _ends(writer, _TAKING_SECONDS):
            return
        signal.signal(signal.SIGURG, lambda *_: None)  # ignored by default, and then it interrupts nothing
        end = time.monotonic() + _TAKING_SECONDS
        while writer.is_alive() and time.monotonic() < end:
            with suppress(termios.error, ProcessLookupError):
                termios.tcflush(self.fileno, termios.TCOFLUSH)
                signal.pthread_kill(writer.ident or 0, signal.SIGURG)  # the kernel tells nobody that there is room
            writer.join(_DROPPING_SECONDS)
        if not writer.is_alive():
            writer = WriterThread(file)
            writer.start()
            writer.write(restoring)  # the first time it may have been dropped, too
        self.was_abandoned = not _ends(writer, _TAKING_SECONDS)

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


def _ends(writer: WriterThread, seconds: float) -> bool:
    """Whether the terminal takes all that is left within this time."""
    writer._queue.put(None)
    writer.join(seconds)
    return not writer.is_alive()
