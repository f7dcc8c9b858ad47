"""Ctrl-Z: suspends the app to the shell, and restores the screen after `fg`."""

from __future__ import annotations

import asyncio
import os
import select
import signal
import sys
import time
from collections.abc import Callable

from textual.app import App

_STOPPING_SECONDS = 0.05
"""Within so long a signal that stops the process has done so."""
_JUST_NOW = 0.5
"""Seconds after a return in which the SIGCONT that brought it isn't another one."""


class Suspending:
    """Stops the process group, as other programs that draw on a terminal do, and gives the terminal back before.

    Textual stops its own process alone, and by SIGSTOP: a shell that waits for a wrapper around it would never notice,
    and without a shell with job control, which could continue the process, it would hang for ever. SIGTSTP is ignored
    by the system there, and the screen comes back at once. All runs in the event loop, so that no signal finds the
    screen half written.
    """

    def __init__(self, app: App[None], before: Callable[[], object], show_again: Callable[[], object]) -> None:
        """Handles no signal yet.

        Args:
            app: The app.
            before: Called while the terminal is still the app's.
            show_again: Called when the terminal is the app's again.
        """
        self._app = app
        self._before, self._show_again = before, show_again
        self._is_away = False
        self._is_over = False
        self._came_back = 0.0

    def end(self) -> None:
        """The app is ending: a lost terminal sends SIGCONT as well, which must not restart the screen."""
        self._is_over = True

    def start(self) -> None:
        """Handles SIGTSTP and SIGCONT from now on; not in tests without a terminal."""
        driver = self._app._driver
        if driver is not None and driver.can_suspend and not self._app.is_headless:
            loop = asyncio.get_running_loop()
            loop.add_signal_handler(signal.SIGTSTP, self.suspend)
            loop.add_signal_handler(signal.SIGCONT, self._continue)

    def suspend(self) -> None:
        """Gives the terminal back and stops; returns when the process is continued."""
        driver = self._app._driver
        if self._is_over or driver is None or not driver.can_suspend or self._app.is_headless:
            return
        self._before()
        driver.suspend_application_mode()
        self._is_away = True
        loop = asyncio.get_running_loop()
        loop.remove_signal_handler(signal.SIGTSTP)
        self._stop_by(signal.SIGTSTP)
        loop.add_signal_handler(signal.SIGTSTP, self.suspend)
        self._come_back()

    def _continue(self) -> None:
        """The process was continued; it may have been stopped by SIGSTOP, with the screen as it was."""
        if self._is_over:
            return
        if not self._is_away:
            if time.monotonic() - self._came_back < _JUST_NOW or self._app._driver is None:
                return
            self._app._driver.suspend_application_mode()
            self._is_away = True
        self._come_back()

    def _come_back(self) -> None:
        """Takes the terminal, or stops again where it is another job's (`bg`)."""
        if _is_in_the_background():
            signal.signal(signal.SIGTTOU, signal.SIG_DFL)
            self._stop_by(signal.SIGTTOU)
            if _is_in_the_background():
                return  # SIGCONT comes with `fg`
        if self._app._driver is not None and self._is_away:
            self._is_away = False
            self._came_back = time.monotonic()
            self._app._driver.resume_application_mode()
            self._show_again()

    def _stop_by(self, number: signal.Signals) -> None:
        os.killpg(os.getpgrp(), number)
        time.sleep(_STOPPING_SECONDS)  # what comes next happens after SIGCONT


def _is_in_the_background() -> bool:
    try:
        return os.tcgetpgrp(sys.__stdin__.fileno()) != os.getpgrp() if sys.__stdin__ else False
    except OSError:
        return False


def is_terminal_lost() -> bool:
    """Whether the terminal has hung up; never waits."""
    if sys.__stdin__ is None:
        return False
    poll = select.poll()
    poll.register(sys.__stdin__.fileno(), 0)
    return any(event & select.POLLHUP for _, event in poll.poll(0))
