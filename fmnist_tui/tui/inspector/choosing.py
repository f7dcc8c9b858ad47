"""Which runs the Inspector can show an image in."""

from __future__ import annotations

from collections.abc import Sequence

from fmnist_tui.runs.run import Run

NO_RUN = "No scored run of a model on such images yet: press 2 to train one"


def runs_for(first: Run | None, records: Sequence[Run], shape: tuple[int, ...]) -> list[Run]:
    """The scored runs on images of this shape, the most accurate of each model before all others.

    Args:
        first: The run to begin with, whatever it was trained on; None for the most accurate one.
        records: The runs that there are.
        shape: Channels, height and width.
    """
    scored = [one for one in records if one.test_accuracy is not None and tuple(one.image_shape) == tuple(shape)]
    ranked = sorted(scored, key=lambda one: -(one.test_accuracy or 0.0))
    best: dict[str, Run] = {}
    for one in ranked:
        best.setdefault(one.version, one)
    ordered = [*best.values(), *(one for one in ranked if best[one.version] is not one)]
    if first is None:
        return ordered
    return [first, *(one for one in ordered if one.directory != first.directory)]
