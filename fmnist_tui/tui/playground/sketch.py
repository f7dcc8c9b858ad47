"""The image that is being drawn: its edits, undo and redo, and where it came from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from fmnist_tui.inspection.edits import UNCHANGED, Matrix, Pixels, painted, warped
from fmnist_tui.models.spec import ImageShape

_MOST_STEPS = 200
BLANK, DRAWING = "blank", "drawing"
GREYS = {"ink 100%": (255,), "ink 75%": (192,), "ink 50%": (128,), "ink 25%": (64,)}
"""Named so that the names are true of light themes, too, on which 255 is drawn dark."""
COLOURS = {
    "white": (255, 255, 255),
    "grey": (128, 128, 128),
    "red": (220, 40, 40),
    "orange": (240, 140, 20),
    "yellow": (240, 220, 40),
    "green": (40, 160, 60),
    "blue": (40, 90, 220),
    "brown": (120, 70, 30),
}
BRUSHES = (1, 3, 5)
"""Diameters in pixels."""


@dataclass(frozen=True)
class Picture:
    """What a sketch begins with.

    Attributes:
        image: uint8 (C, H, W).
        title: Where it came from: "test image 12", a file's name.
        truth: The name of its class, or "".
        index: Of a test image, or None.
    """

    image: Pixels
    title: str = BLANK
    truth: str = ""
    index: int | None = None


@dataclass(frozen=True)
class _State:
    """An image as pixels and the matrix that they are seen through; `begun` is the picture it began with."""

    begun: Picture
    pixels: Pixels
    matrix: Matrix

    @property
    def image(self) -> Pixels:
        return self.pixels if self.matrix is UNCHANGED else warped(self.pixels, self.matrix)


class Sketch:
    """An image with its history.

    Attributes:
        image: As it is now, uint8 (C, H, W); replaced by each edit, never changed in place.
    """

    def __init__(self, shape: ImageShape) -> None:
        """A blank image of this shape."""
        blank = Picture(np.zeros(shape, np.uint8))
        self._state = _State(blank, blank.image, UNCHANGED)
        self._past: list[_State] = []
        self._future: list[_State] = []
        self.image = blank.image

    @property
    def shape(self) -> ImageShape:
        """Channels, height and width."""
        channels, height, width = self.image.shape
        return channels, height, width

    @property
    def begun(self) -> Picture:
        """The picture that it began with."""
        return self._state.begun

    @property
    def is_edited(self) -> bool:
        """Whether it is no longer the picture that it began with."""
        return not np.array_equal(self.image, self.begun.image)

    @property
    def title(self) -> str:
        """What it is: "blank", "drawing", "test image 12", "test image 12, edited"."""
        if not self.is_edited:
            return self.begun.title
        return DRAWING if self.begun.title == BLANK else f"{self.begun.title}, edited"

    @property
    def colours(self) -> dict[str, tuple[int, ...]]:
        """The colours or grey levels to paint in, by name."""
        return {**GREYS} if self.shape[0] == 1 else {**COLOURS}

    def begin(self, picture: Picture) -> None:
        """Replaces it by a picture."""
        self._step(_State(picture, picture.image, UNCHANGED))

    def clear(self) -> None:
        """Makes it blank."""
        self.begin(Picture(np.zeros(self.shape, np.uint8)))

    def reset(self) -> None:
        """Goes back to the picture that it began with."""
        self.begin(self.begun)

    def stroke(
        self,
        lines: Sequence[tuple[tuple[int, int], tuple[int, int]]],
        size: int,
        colour: Sequence[int],
        *,
        goes_on: bool = False,
    ) -> None:
        """Paints lines, each from one (row, column) to another; one that goes on is undone with what it continues."""
        image = self.image
        for start, end in lines:
            image = painted(image, start, end, size, colour)
        state = replace(self._state, pixels=image, matrix=UNCHANGED)
        if goes_on:
            self._show(state)
        else:
            self._step(state)

    def transform(self, matrix: Matrix) -> None:
        """Moves, turns or scales it, after what was moved, turned and scaled since it was last painted."""
        self._step(replace(self._state, matrix=matrix @ self._state.matrix))

    def edit(self, change: Callable[[Pixels], Pixels]) -> None:
        """Changes its pixels."""
        self._step(replace(self._state, pixels=change(self.image), matrix=UNCHANGED))

    def undo(self) -> None:
        """Takes back the last step."""
        if self._past:
            self._future.append(self._state)
            self._show(self._past.pop())

    def redo(self) -> None:
        """Takes a step that was undone."""
        if self._future:
            self._past.append(self._state)
            self._show(self._future.pop())

    def _step(self, state: _State) -> None:
        self._past = [*self._past[1 - _MOST_STEPS :], self._state]
        self._future = []
        self._show(state)

    def _show(self, state: _State) -> None:
        self._state = state
        self.image = state.image
