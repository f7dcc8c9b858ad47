"""Opening a picture and saving a drawing, in threads."""

from __future__ import annotations

import io
from itertools import count
from pathlib import Path

from textual.message import Message

from fmnist_tui.data import DataError, Dataset
from fmnist_tui.inspection.edits import Pixels
from fmnist_tui.models.spec import ImageShape
from fmnist_tui.paths import home_folder
from fmnist_tui.text import grouped, safe
from fmnist_tui.tui.messages import Failed, Post, Written
from fmnist_tui.tui.playground.sketch import Picture


def working_folder() -> Path:
    """The working directory, in which files are proposed; the home folder if it was deleted."""
    try:
        return Path.cwd()
    except OSError:
        return home_folder() or Path("/")


class Opened(Message):
    """A picture was read and prepared as the data's images were made."""

    def __init__(self, picture: Picture, steps: str) -> None:
        super().__init__()
        self.picture = picture
        self.steps = steps


def open_picture(file: Path, shape: ImageShape, dataset: Dataset | None, post: Post) -> None:
    """Reads a picture (PNG, JPEG, WebP, TIFF, .npy ...) as an image of this shape; of several images the first."""
    from fmnist_tui.inspection.appearance import OF_FASHION_MNIST, appearance_of
    from fmnist_tui.inspection.pictures import prepare, read_pictures

    try:
        picture, *others = read_pictures(file, file, shape)
    except DataError as error:
        post(Failed(str(error)))
        return
    own = dataset.train.images if dataset and not dataset.is_fashion_mnist else None
    appearance = OF_FASHION_MNIST if own is None else appearance_of(own)
    prepared = prepare(picture, shape, appearance)
    of = f"the first of {grouped(len(others) + 1)} images: " if others else ""
    post(Opened(Picture(prepared.image, safe(file.name)), of + prepared.summary))


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
