"""Reading a picture and saving a drawing, in threads."""

from __future__ import annotations

import io
from itertools import count
from pathlib import Path

from fmnist_tui.inspection.edits import Pixels
from fmnist_tui.paths import home_folder
from fmnist_tui.text import safe
from fmnist_tui.tui.messages import Failed, Post, Written

_NAME = "drawing.png"


def proposed_file() -> Path:
    """Where a drawing is saved unless the user chooses another file: in the working directory."""
    try:
        return Path.cwd() / _NAME
    except OSError:  # it was deleted
        return (home_folder() or Path("/")) / _NAME


def save_picture(image: Pixels, wanted: Path, post: Post) -> None:
    """Writes an image (C, H, W) as a PNG file of its own size; a file that exists is left, and another name found."""
    try:
        path = _written(
            _png(image), wanted if wanted.suffix.lower() == ".png" else wanted.with_name(f"{wanted.name}.png")
        )
    except OSError as error:
        post(Failed(f"can't write {safe(wanted)} ({error.strerror})"))
    else:
        post(Written(f"Saved {safe(path)}"))


def _png(image: Pixels) -> bytes:
    from PIL.Image import fromarray

    content = io.BytesIO()
    fromarray(image[0] if len(image) == 1 else image.transpose(1, 2, 0)).save(content, "PNG")
    return content.getvalue()


def _written(content: bytes, wanted: Path) -> Path:
    """The file that was written: `wanted`, or, if there is one, the first of `wanted`-2, -3 ... that isn't there."""
    for number in count(1):
        path = wanted if number == 1 else wanted.with_stem(f"{wanted.stem}-{number}")
        try:
            with path.open("xb") as file:
                file.write(content)
        except FileExistsError:
            continue
        return path
    raise AssertionError
