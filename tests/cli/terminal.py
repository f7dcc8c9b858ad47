"""A command in a real pseudo-terminal, and the screen that a person would see there."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pyte
from waiting import PATIENCE

from .commands import PROGRAM


class Terminal:
    """The process, its screen, and every byte that it sent."""

    def __init__(self, process: subprocess.Popen[bytes], master: int, columns: int, rows: int) -> None:
        self.process = process
        self.sent = b""
        self._text = ""
        self._master = master
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)

    @property
    def text(self) -> str:
        """The text on the screen, without the blanks at the ends of lines."""
        if self._screen.dirty:
            self._text = "\n".join(line.rstrip() for line in self._screen.display).strip()
            self._screen.dirty.clear()
        return self._text

    def press(self, keys: str) -> None:
        """Types."""
        os.write(self._master, keys.encode())

    def wait_for(self, condition: Callable[[Terminal], object], what: str) -> None:
        """Reads what the process sends until `condition` holds, or fails with `what` and the screen."""
        until = time.monotonic() + PATIENCE
        while not condition(self):
            assert time.monotonic() < until, f"waited in vain until {what}:\n{self.text}"
            if not self._read():
                assert condition(self), f"the process ended before {what}:\n{self.text}"

    def resize(self, columns: int, rows: int) -> None:
        """Gives the window another size."""
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("4H", rows, columns, 0, 0))
        self._screen.resize(rows, columns)

    def status(self) -> int:
        """The exit status, once the process has ended."""
        while self._read():
            pass
        return self.process.wait(PATIENCE)

    def _read(self) -> bool:
        """Read available output, or wait a moment; False when the process has closed its terminal."""
        if not select.select([self._master], [], [], 0.05)[0]:
            return True
        try:
            data = os.read(self._master, 65_536)
        except OSError:  # how Linux reports that the other end is closed
            return False
        self.sent += data
        self._stream.feed(data)
        return bool(data)


@contextmanager
def terminal(
    *arguments: object,
    program: tuple[str, ...] = PROGRAM,
    columns: int = 80,
    rows: int = 24,
    echo: bool = True,
    **environment: str,
) -> Iterator[Terminal]:
    """A command that runs in a terminal of its own, which is hung up at the block's end."""
    master, slave = pty.openpty()
    if not echo:
        modes = termios.tcgetattr(slave)
        modes[3] &= ~termios.ECHO
        termios.tcsetattr(slave, termios.TCSANOW, modes)
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("4H", rows, columns, 0, 0))
    process = subprocess.Popen(
        [*program, *map(str, arguments)],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - no threads here
        env={**os.environ, "TERM": "xterm-256color", **environment},
    )
    os.close(slave)
    try:
        yield Terminal(process, master, columns, rows)
    finally:
        process.kill()
        process.wait()
        os.close(master)
