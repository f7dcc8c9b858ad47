"""Where images are: a folder or a file, and the size that pictures are brought to."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

DEMO = "demo"
"""Stands for a folder: the images that this program draws itself."""
_SIZE = re.compile(r"(.+)#size=(\d{1,4})", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Location:
    """A folder or a file with images.

    Its text form, `FOLDER#size=32`, is what a request, a run and FMNIST_TUI_DATA name it by.

    Attributes:
        path: The folder or file.
        size: The side, in pixels, that pictures in a folder are brought to; None to leave them as they are.
    """

    path: Path
    size: int | None = None

    @classmethod
    def parse(cls, text: str) -> Location:
        """From its text form."""
        found = _SIZE.fullmatch(text)
        return cls(Path(found[1]), int(found[2])) if found else cls(Path(text))


def with_size(text: str, size: int | None) -> str:
    """The text form of a location with another size; unchanged for None."""
    if size is None:
        return text
    found = _SIZE.fullmatch(text)
    return f"{found[1] if found else text}#size={size}"
