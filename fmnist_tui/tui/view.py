"""How one run's curves are looked at: axis, smoothing, zoom, cursor, a ghost beside them. Kept for each run."""

from __future__ import annotations

from dataclasses import dataclass, replace

AXES = ("step", "epoch", "time")
_SMOOTHINGS = (0, 1, 2, 4)
_ZOOM = 1.5
_PAN = 0.25
_SMALLEST_SHARE = 0.002
_ROUNDING = 1e-9


@dataclass(frozen=True)
class View:
    """A way to look at a run.

    Attributes:
        axis: What x stands for: "step", "epoch" or "time".
        log: Whether the loss has a logarithmic axis.
        smoothing: 0 for none, else how many times the usual width the mean is taken over.
        window: First and last step shown, or None for all.
        cursor: The step whose values are read, or None.
        ghost: The id of another run that is drawn behind this one, or "".
    """

    axis: str = "step"
    log: bool = False
    smoothing: int = 1
    window: tuple[float, float] | None = None
    cursor: float | None = None
    ghost: str = ""

    def next_axis(self) -> View:
        """The next meaning of x."""
        return replace(self, axis=AXES[(AXES.index(self.axis) + 1) % len(AXES)])

    def next_smoothing(self) -> View:
        """None, the usual, twice, four times."""
        following = (_SMOOTHINGS.index(self.smoothing) + 1) % len(_SMOOTHINGS)
        return replace(self, smoothing=_SMOOTHINGS[following])

    def range(self, last: float) -> tuple[float, float]:
        """First and last step shown of a run that has come to step `last`."""
        return self.window or (0.0, max(last, 1.0))

    def zoomed(self, direction: int, last: float) -> View:
        """Closer (1) or further away (-1), about the cursor, else about the newest step."""
        first, end = self.range(last)
        centre = self.cursor if self.cursor is not None else end
        factor = _ZOOM**-direction
        if (end - first) * factor >= last * (1 - _ROUNDING):
            return replace(self, window=None)
        if (end - first) * factor < max(2.0, _SMALLEST_SHARE * last):
            return self
        return replace(self, window=_within(centre - (centre - first) * factor, centre + (end - centre) * factor, last))

    def panned(self, direction: int, last: float) -> View:
        """A quarter of the window to the right (1) or the left (-1); all of a run has nowhere to go."""
        if self.window is None:
            return self
        first, end = self.window
        by = direction * _PAN * (end - first)
        return replace(self, window=_within(first + by, end + by, last))

    def with_cursor(self, last: float) -> View:
        """The cursor in the middle of what is shown, or none."""
        first, end = self.range(last)
        return replace(self, cursor=None if self.cursor is not None else (first + end) / 2)

    def moved(self, columns: int, width: int, last: float) -> View:
        """The cursor some of the chart's `width` columns along, within the run; the window goes with it."""
        if self.cursor is None:
            return self
        first, end = self.range(last)
        target = min(max(self.cursor + columns * (end - first) / max(1, width), 0.0), max(last, 1.0))
        if self.window is None:
            return replace(self, cursor=target)
        by = min(target - first, 0.0) + max(target - end, 0.0)
        return replace(self, cursor=target, window=_within(first + by, end + by, last))

    def whole(self) -> View:
        """All of the run."""
        return replace(self, window=None)


def _within(first: float, end: float, last: float) -> tuple[float, float]:
    """The window, moved so that it stays within 0 and `last`."""
    shift = max(0.0, -first) - max(0.0, end - last)
    return first + shift, end + shift
