"""The bar of one bin in a reliability diagram."""

from __future__ import annotations

from fmnist_tui.analysis.calibration import FEW_IMAGES, Bin

CONFIDENCE, OVERCONFIDENT = "┃", "┄"


def has_enough(one: Bin) -> bool:
    """Whether the bin has enough images for a bar: one image would be a full bar, or none."""
    return one.confidence is not None and one.accuracy is not None and one.count >= FEW_IMAGES


def reliability_bar(one: Bin, room: int, colour: str, missing: str) -> list[tuple[str, str]]:
    """A bar of the bin's accuracy with a stroke at its mean confidence: `━━━━┃━━`, or overconfident `━━━━┄┄┃`.

    Args:
        one: A bin that has enough images.
        room: Cells of an accuracy of 1.
        colour: Of the bar, `#RRGGBB`.
        missing: Of what is missing up to the stroke, `#RRGGBB`.
    """
    correct, confidence = round((one.accuracy or 0.0) * room), round((one.confidence or 0.0) * room)
    confident = min(room - 1, confidence)
    if correct > confident:
        return [("━" * confident, colour), (CONFIDENCE, "bold"), ("━" * (correct - confident - 1), colour)]
    return [("━" * correct, colour), (OVERCONFIDENT * (confident - correct), missing), (CONFIDENCE, "bold")]
