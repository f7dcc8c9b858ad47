"""The standard streams: open, and able to take any text whatever their encoding."""

from __future__ import annotations

import codecs
import io
import os
import sys
from typing import TextIO

from fmnist_tui.tui.cells import in_ascii

_ASCII = "fmnist_tui_ascii"
"""ASCII by another name: Click takes a stream of ASCII for misconfigured, and writes UTF-8 to it."""
_LOOK_ALIKE = "fmnist_tui_look_alike"
_LOOK_ALIKE_OR_CODE = "fmnist_tui_look_alike_or_code"
_LONGER = {"±": "+/-", "…": "...", "≈": "~"}


def open_closed_streams() -> None:
    """Whatever is opened first takes a closed stream's place: a lock there would be lost to the trainer."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


def take_any_text() -> None:
    """Has the streams write what looks alike where their encoding lacks a character; nothing raises.

    Where nothing looks alike, standard output has question marks, as wide as the character, and standard error has its
    code: a path in an error must not be lost.
    """
    for stream, errors in ((sys.stdin, "replace"), (sys.stdout, _LOOK_ALIKE), (sys.stderr, _LOOK_ALIKE_OR_CODE)):
        if isinstance(stream, io.TextIOWrapper):
            ascii_only = stream is not sys.stdin and codecs.lookup(stream.encoding).name == "ascii"
            stream.reconfigure(encoding=_ASCII if ascii_only else None, errors=errors)


def write_ascii() -> None:
    """Has standard output write ASCII alone."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding=_ASCII, errors=_LOOK_ALIKE)


def drop_output() -> None:
    """Python would complain again when it flushes at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def as_written(text: str, stream: TextIO | None) -> str:
    """`text` as the stream's encoding lets it be read; columns are as wide as that."""
    if text.isascii() or not isinstance(stream, io.TextIOWrapper):
        return text
    return text.encode(stream.encoding, stream.errors or "strict").decode(stream.encoding, "replace")


def _find(name: str) -> codecs.CodecInfo | None:
    if name != _ASCII:
        return None
    info = codecs.lookup("ascii")
    return codecs.CodecInfo(
        info.encode, info.decode, info.streamreader, info.streamwriter, info.incrementalencoder,
        info.incrementaldecoder, name=_ASCII,
    )  # fmt: skip


def _look_alike(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(_plain, error.object[error.start : error.end])), error.end


def _look_alike_or_code(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    found = (
        plain if (plain := _plain(letter)).strip("?") else letter.encode("ascii", "backslashreplace").decode()
        for letter in error.object[error.start : error.end]
    )
    return "".join(found), error.end


def _plain(letter: str) -> str:
    return _LONGER.get(letter) or in_ascii(letter)


codecs.register(_find)
codecs.register_error(_LOOK_ALIKE, _look_alike)
codecs.register_error(_LOOK_ALIKE_OR_CODE, _look_alike_or_code)
