"""The part of the app that paints: it sends only what the terminal does not show yet, as fast as the line takes it."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import Any

from rich.color import ColorSystem
from textual import on
from textual._ansi_sequences import SYNC_END, SYNC_START
from textual._compositor import ChopsUpdate, LayoutUpdate
from textual.binding import Binding
from textual.driver import Driver
from textual.drivers.linux_driver import LinuxDriver
from textual.events import CursorPosition, Resize
from textual.screen import Screen

from fmnist_tui.paths import AppPaths
from fmnist_tui.tui.app_state import LabApp
from fmnist_tui.tui.ascii_filter import AsciiFilter
from fmnist_tui.tui.driver import LabDriver
from fmnist_tui.tui.line import REQUEST, Line
from fmnist_tui.tui.terminal_picture import TerminalPicture

_PROBES = tuple(f"\x1b[2;1H{character}\x1b[7b{REQUEST}" for character in "─-")
"""Draws a character (the second where only ASCII is drawn) and repeats it seven times, where the terminal can.

The first frame is drawn over it.
"""
_REPEATED, _NOT_REPEATED = (8, 1), (1, 1)
"""Where the cursor is then."""
_LATE_SECONDS = 6.0
_STUCK_SECONDS = 0.2
"""Between two looks whether the terminal takes something again."""


class Painting(LabApp):
    """Sends the differences between frames."""

    BINDINGS = [
        Binding(
            "ctrl+l",
            "repaint",
            "Repaint",
            show=False,
            priority=True,
            id="app.repaint",
            tooltip="Draw the screen again, where another program has written on it",
        )
    ]

    def __init__(self, folders: AppPaths, *, pace: float, in_app: bool) -> None:
        super().__init__(folders, pace=pace, in_app=in_app)
        self._picture = TerminalPicture()
        self._line = Line()
        self._probed: Driver | None = None
        self._awaits_probe = False
        self._waits = False
        self._cursor = ""
        self._pointer = "default"
        if "TEXTUAL_ANIMATIONS" not in os.environ:
            self.animation_level = "none"  # each frame would be sent, and the last one is the answer

    def get_driver_class(self) -> type[Driver]:
        """Ours in a terminal, unless another one is asked for."""
        found = super().get_driver_class()
        return LabDriver if found is LinuxDriver else found

    def _display(self, screen: Screen[Any], renderable: Any) -> None:
        """Textual paints here: it sends whole frames."""
        driver = self._driver
        if driver is None or self.is_headless or driver.is_inline or not self._running or self._closed:
            super()._display(screen, renderable)
            return
        if isinstance(renderable, LayoutUpdate | ChopsUpdate):
            self._picture.take(renderable, self.console._color_system or ColorSystem.TRUECOLOR)
            if not self._batch_count:
                self._send_changes(driver)
        self.post_display_hook()

    def delay_update(self, delay: float = 0.001) -> None:
        """Textual waits 50 ms before it paints another screen; after a key press that is felt."""
        super().delay_update(min(delay, 0.001))

    def _set_pointer_shape(self, shape: str) -> None:
        """Changes the mouse's pointer where it is another one: each new screen says that it is the usual one."""
        if shape != self._pointer:
            self._pointer = shape
            super()._set_pointer_shape(shape)

    def action_repaint(self) -> None:
        """Sends everything again: the terminal may show anything."""
        self._picture.forget()
        if self._driver is not None and not self.is_headless:
            self._send_changes(self._driver)

    def drain(self) -> None:
        """Waits until the terminal has answered what it was asked: the shell would take it as keys."""
        time.sleep(self._line.seconds_open)

    @property
    def terminal_is_stuck(self) -> bool:
        """Whether the terminal could not be given back, since it takes nothing; known when the app has ended."""
        return isinstance(self._driver, LabDriver) and self._driver.was_abandoned

    @on(Resize)
    def _forget_cells(self, event: Resize) -> None:
        """Terminals keep, move or clear their cells; in the size that they had before, nothing else would paint."""
        self._picture.forget()
        if event.size == self._picture.size:
            self.action_repaint()

    def on_cursor_position(self, event: CursorPosition) -> None:
        """The terminal has processed what was sent."""
        if self._awaits_probe and (event.x, event.y) in (_REPEATED, _NOT_REPEATED):
            self._awaits_probe = False
            self._picture.repeats = (event.x, event.y) == _REPEATED
        self._line.answered(time.monotonic())
        if self._driver is not None and not self._picture.is_shown:
            self._send_changes(self._driver)

    def _send_changes(self, driver: Driver) -> None:
        """Sends what there is room for; the rest follows when the terminal has taken that."""
        if isinstance(driver, LabDriver) and driver.is_stuck:
            self._send_later(_STUCK_SECONDS)
            return
        now = time.monotonic()
        room = self._line.room(now)
        x, y = self.screen.outer_size.clamp_offset(self.cursor_position)
        cursor = f"\x1b[{y + 1};{x + 1}H"
        frames = list(self._frames(room))
        if frames or cursor != self._cursor:
            self._cursor = cursor
            if self._sync_available:
                frame = "".join(f"{SYNC_START}{part}{cursor}{SYNC_END}" for part in frames or [""])
            else:
                frame = "".join((*frames, cursor))
            size = len(frame.encode())
            if self._probed is not driver:
                self._probed, self._awaits_probe = driver, True
                self._line.sent(0, now)
                frame = _PROBES[self._is_ascii] + frame
            if self._line.asks(size) and not self.is_leaving:
                self._line.sent(size, now)
                frame += REQUEST
            driver.write(frame)
            driver.flush()
        if not self._picture.is_shown:
            self._send_later(_LATE_SECONDS)

    def _frames(self, room: int | None) -> Iterator[str]:
        """What may be sent now; on a slow line in parts, each of which the terminal shows as soon as it is there."""
        while room is None or room > 0:
            part = self._picture.changes(None if room is None else min(room, self._line.frame))
            if part:
                yield part
            if room is None or not part:
                return
            room -= len(part.encode())

    @property
    def _is_ascii(self) -> bool:
        return any(isinstance(one, AsciiFilter) for one in self.get_line_filters())

    def _send_later(self, seconds: float) -> None:
        if not self._waits:
            self._waits = True
            self.set_timer(seconds, self._send_rest, name="rest of a frame")

    def _send_rest(self) -> None:
        """Where the answer that should have led to it was lost."""
        self._waits = False
        if self._driver is not None and not self._picture.is_shown:
            self._send_changes(self._driver)
