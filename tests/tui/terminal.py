"""The installed command in a real pseudo-terminal, driven by key presses and read from a rendered screen."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import shutil
import struct
import subprocess
import sysconfig
import termios
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pyte
from waiting import PATIENCE

ENTER, TAB, BACK_TAB, DOWN, END = b"\r", b"\t", b"\x1b[Z", b"\x1b[B", b"\x1b[F"
ESCAPE, PALETTE = b"\x1b", b"\x10"
FAR_LEFT = b"\x1b[1;2D"
MOUSE = {
    "the mouse": (b"\x1b[?1000h", b"\x1b[?1000l"),
    "mouse movements": (b"\x1b[?1003h", b"\x1b[?1003l"),
    "wide mouse reports": (b"\x1b[?1006h", b"\x1b[?1006l"),
}
RESTORING = {
    "the alternate screen": (b"\x1b[?1049h", b"\x1b[?1049l"),
    "the hidden cursor": (b"\x1b[?25l", b"\x1b[?25h"),
    "reports of the focus": (b"\x1b[?1004h", b"\x1b[?1004l"),
    "pasting in brackets": (b"\x1b[?2004h", b"\x1b[?2004l"),
    "lines that aren't wrapped": (b"\x1b[?7l", b"\x1b[?7h"),
    "codes for all keys": (b"\x1b[>25u", b"\x1b[<u"),
    **MOUSE,
}
"""What the app switches on, and off again."""
_STYLE = re.compile(rb"\x1b\[([0-9;]+)m")
_UNKNOWN_TO_PYTE = re.compile(rb"\x1b\[[<>=][0-9;]*[a-zA-Z]|\x1b\[\?[0-9;]*(?:\$p|u)|\x1bP.*?\x1b\\", re.DOTALL)
_REPEATED = re.compile(rb"((?:[\x20-\x7e]|[\xc2-\xf4][\x80-\xbf]+))\x1b\[(\d+)b")
_OTHER_SCREEN = re.compile(rb"\x1b\[\?1049[hl]")
_UNFINISHED = re.compile(rb"\x1b(?:[\[\]P][^a-zA-Z~\x07]*)?$")


class Terminal:
    """A process that has a terminal of its own.

    Attributes:
        sent: All bytes that the process has written.
        process: The process.
    """

    def __init__(self, command: Sequence[str], size: tuple[int, int], environment: dict[str, str]) -> None:
        """Starts the command in a terminal of `size` columns and rows."""
        self.sent = b""
        self._fed = 0
        self._text = ""
        self._screen = pyte.Screen(*size)
        self._stream = pyte.ByteStream(self._screen)
        self._ours, self._its = pty.openpty()
        fcntl.ioctl(self._its, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
        self.modes_before = termios.tcgetattr(self._its)
        self.process = subprocess.Popen(
            command,
            stdin=self._its,
            stdout=self._its,
            stderr=self._its,
            env=environment,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - no other thread uses locks here
        )

    @property
    def modes(self) -> list[object]:
        """The terminal's modes now, as `termios` gives them."""
        return termios.tcgetattr(self._its)

    def text(self) -> str:
        """The text on the screen."""
        self._read()
        self._render()
        if self._screen.dirty:
            self._text = "\n".join(line.rstrip() for line in self._screen.display)
            self._screen.dirty.clear()
        return self._text

    def cells(self) -> list[list[tuple[object, ...]]]:
        """What a person sees of each cell: of blanks, no foreground."""
        self._read()
        self._render()
        return cells_of(self._screen)

    def clear(self) -> None:
        """Forgets what is on the screen."""
        self._render()
        self._screen.reset()

    def resize(self, columns: int, rows: int) -> None:
        """Gives the terminal another size; the process gets a signal."""
        self._render()
        self._screen.resize(rows, columns)
        fcntl.ioctl(self._ours, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def press(self, *keys: bytes | str) -> None:
        """Sends keys, one after the other."""
        for key in keys:
            os.write(self._ours, key.encode() if isinstance(key, str) else key)
            self._read(0.02)

    def burst(self, data: bytes) -> None:
        """Sends all of it as fast as the terminal takes it, while what the process writes is read."""
        while data:
            _, writable, _ = select.select([], [self._ours], [], PATIENCE)
            assert writable, f"the process reads nothing; the screen:\n{self.text()}"
            data = data[os.write(self._ours, data[:4096]) :]
            self._read()

    def press_and_settle(self, *keys: bytes | str) -> None:
        """Sends keys one by one, each after the one before was answered: a key sent while the focus moves is lost."""
        for key in keys:
            size = len(self.sent)
            self.press(key)
            self._wait_until(lambda _, size=size: len(self.sent) > size, f"an answer to {key!r}")  # type: ignore[misc]
            while size < len(self.sent):
                size = len(self.sent)
                self._read(0.3)

    def wait_for(self, text: str) -> None:
        """Waits until the text is on the screen, wherever lines break."""
        self._wait_until(lambda screen: text in screen, repr(text))

    def wait_for_match(self, pattern: str) -> str:
        """Waits until the pattern is found on the screen, wherever lines break; returns its group."""
        self._wait_until(lambda text: re.search(pattern, text) is not None, pattern)
        found = re.search(pattern, " ".join(self.text().split()))
        assert found is not None
        return found.group(1)

    def wait_until_gone(self, text: str) -> None:
        """Waits until the text is no longer on the screen."""
        self._wait_until(lambda screen: text not in screen, f"the end of {text!r}")

    def _wait_until(self, holds: Callable[[str], bool], what: str) -> None:
        end = time.monotonic() + PATIENCE
        while not holds(" ".join(self.text().split())):
            assert self.process.poll() is None, f"ended with {self.process.returncode} before {what}:\n{self.text()}"
            assert time.monotonic() < end, f"waited in vain for {what}; the screen:\n{self.text()}"
            self._read(0.05)

    def sent_in(self, seconds: float) -> bytes:
        """What the process sends in this time."""
        before, end = len(self.sent), time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self._read(left)
        return self.sent[before:]

    def wait(self) -> int:
        """The exit status; whatever is written until then is read."""
        end = time.monotonic() + PATIENCE
        while self.process.poll() is None:
            assert time.monotonic() < end, f"the process doesn't end; the screen:\n{self.text()}"
            self._read(0.05)
        self._read()
        return self.process.returncode

    def fill(self) -> None:
        """Writes until the terminal takes nothing, as behind a connection that hangs, until it is read again."""
        handle = os.open(os.ttyname(self._its), os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK)
        try:
            with suppress(BlockingIOError):
                while True:
                    os.write(handle, b" " * 4096)
        finally:
            os.close(handle)

    def press_unseen(self, *keys: bytes | str) -> None:
        """Sends keys and reads nothing."""
        for key in keys:
            os.write(self._ours, key.encode() if isinstance(key, str) else key)
            time.sleep(0.05)

    def hang_up(self) -> None:
        """Closes the terminal, as a lost connection does."""
        os.close(self._its)
        os.close(self._ours)
        self._ours = self._its = -1

    def close(self) -> None:
        """Ends the process if it is still there."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for handle in (self._ours, self._its):
            if handle != -1:
                os.close(handle)

    def _read(self, patience: float = 0.0) -> None:
        """Takes in what the process has written; waits `patience` seconds for the first of it."""
        while self._ours != -1 and select.select([self._ours], [], [], patience)[0]:
            self.sent += os.read(self._ours, 65536)
            patience = 0.0

    def _render(self) -> None:
        """Feeds the screen; sequences that pyte doesn't know are left out, unfinished ones wait for their end."""
        new = self.sent[self._fed :]
        unfinished = _UNFINISHED.search(new)
        if unfinished:
            new = new[: unfinished.start()]
        self._fed += len(new)
        new = _OTHER_SCREEN.sub(lambda found: found[0] + b"\x1b[2J\x1b[H", new)  # pyte has but one
        new = _REPEATED.sub(lambda found: found[1] * (int(found[2]) + 1), new)
        self._stream.feed(_UNKNOWN_TO_PYTE.sub(b"", new))


def cells_of(screen: pyte.Screen) -> list[list[tuple[object, ...]]]:
    """What a person sees of each cell: of blanks, no foreground."""
    return [[_seen(screen.buffer[y][x]) for x in range(screen.columns)] for y in range(screen.lines)]


def _seen(cell: pyte.screens.Char) -> tuple[object, ...]:
    lines = cell.underscore, cell.strikethrough, cell.reverse
    is_blank = cell.data == " " or (cell.data == "▀" and cell.fg == cell.bg and not cell.bold)
    letters = cell.data, cell.fg, cell.bold, cell.italics
    return cell.bg, lines, () if is_blank and not any(lines) else letters


def installed_command() -> str:
    """The path of `fmnist-tui` beside this Python."""
    found = shutil.which("fmnist-tui", path=sysconfig.get_path("scripts"))
    assert found, "the package is not installed here"
    return found


def assert_restored(terminal: Terminal, modes: Iterable[str] = RESTORING) -> None:
    """The terminal is as it was before the app; these were switched on and are off again."""
    for what in modes:
        on, off = RESTORING[what]
        assert terminal.sent.rfind(off) > terminal.sent.rfind(on) >= 0, f"{what}: left on"
    assert terminal.modes == terminal.modes_before
    assert b"Traceback" not in terminal.sent


def colours_sent(terminal: Terminal) -> set[tuple[int, ...]]:
    """The colours asked for: (number,) of 16, (5, number) of 256, (2, red, green, blue)."""
    found = set()
    for style in set(_STYLE.findall(terminal.sent)):
        codes = iter(map(int, style.split(b";")))
        for code in codes:
            if code in (38, 48):
                kind = next(codes)
                found.add((kind, *(next(codes) for _ in range(1 if kind == 5 else 3))))
            elif 30 <= code % 60 <= 47 and code % 10 < 8:
                found.add((code % 10 + (8 if code >= 90 else 0),))
    return found


def usual_environment(runs: Path) -> dict[str, str]:
    """That of an app on the demo set in a terminal with true colours; its settings lie beside the runs."""
    usual = {
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
        "LC_ALL": "C.UTF-8",
        "XDG_CONFIG_HOME": str(runs.parent / "config"),
        "FMNIST_TUI_RUNS": str(runs),
        "FMNIST_TUI_DATA": "demo",
    }
    return {**os.environ, **usual}


@contextmanager
def app_in_terminal(
    runs: Path,
    *options: str,
    size: tuple[int, int] = (80, 24),
    opens_on: str = "demo, train: 1-",
    **environment: str,
) -> Iterator[Terminal]:
    """The app on the demo set, which has shown the text `opens_on` and is ready for keys."""
    terminal = Terminal([installed_command(), *options], size, {**usual_environment(runs), **environment})
    try:
        terminal.wait_for(opens_on)
        yield terminal
    finally:
        terminal.close()
