"""Notices when the app touches files on the screen's thread: on a slow file system each call may take a second.

Audit events tell of files that are opened and folders that are listed or changed; `stat` and its kin have none, and are
wrapped. What the test itself does in the same thread doesn't matter: only calls that come from Textual's loop do.
"""

from __future__ import annotations

import os
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
import textual

_TEXTUAL = str(Path(textual.__file__).parent)
_TESTS = str(Path(__file__).parents[1])
_WRAPPED = ("stat", "lstat", "access", "readlink", "statvfs", "fsync")
_EVENTS = {"open", "os.listdir", "os.scandir", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.utime", "os.chmod"}


class _Guard:
    """Where calls are noticed: in one thread, below one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = f"{folder}/"
        self.thread = threading.get_ident()
        self.found: list[str] = []

    def notice(self, what: str, path: object) -> None:
        if threading.get_ident() != self.thread or not isinstance(path, str | bytes | os.PathLike):
            return
        name = os.fsdecode(path)
        if f"{name}/".startswith(self.folder) and _comes_from_the_app(sys._getframe(2)):
            stack = [line for line in traceback.format_stack() if "fmnist_tui/" in line]
            self.found.append(f"{what} {name} in\n{''.join(stack[-4:])}")


_guard: _Guard | None = None


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if _guard is not None and event in _EVENTS:
        _guard.notice(event, arguments[0])


sys.addaudithook(_audit)


def _comes_from_the_app(frame: FrameType | None) -> bool:
    """Whether Textual's loop is nearer than the test."""
    while frame is not None:
        file = frame.f_code.co_filename
        if file.startswith(_TESTS) and not file.endswith("io_guard.py"):
            return False
        if file.startswith(_TEXTUAL):
            return True
        frame = frame.f_back
    return False


def _wrapped(name: str) -> Callable[..., Any]:
    real = getattr(os, name)

    def call(path: Any, *given: Any, **named: Any) -> Any:
        if _guard is not None:
            _guard.notice(name, path)
        return real(path, *given, **named)

    return call


@contextmanager
def no_files_on_the_screens_thread(folder: Path) -> Iterator[None]:
    """Fails where the app, driven in this thread, touches a file below the folder itself instead of in a thread."""
    global _guard  # noqa: PLW0603 - an audit hook can't be taken away again
    guard = _guard = _Guard(folder)
    try:
        with pytest.MonkeyPatch.context() as patch:
            for name in _WRAPPED:
                patch.setattr(os, name, _wrapped(name))
            yield
    finally:
        _guard = None
    assert not guard.found, f"{len(guard.found)} times on the screen's thread:\n" + "\n".join(guard.found[:5])
