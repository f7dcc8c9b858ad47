from __future__ import annotations

from fmnist_tui.analysis.calibration import Bin
from fmnist_tui.tui.errors.text import reliability_text


def bins(*known: tuple[int, float, float]) -> list[Bin]:
    """Empty bins, but for (place, confidence, accuracy), which have 100 images each."""
    found = [Bin(place / 15, (place + 1) / 15, 0, None, None) for place in range(15)]
    for place, confidence, accuracy in known:
        found[place] = Bin(place / 15, (place + 1) / 15, 100, confidence, accuracy)
    return found


def lines(*known: tuple[int, float, float]) -> list[str]:
    return reliability_text(bins(*known), 85, "").plain.splitlines()[3:]


def test_the_most_confident_bin_comes_first_and_empty_ones_are_left_out() -> None:
    found = lines((14, 0.95, 0.95), (10, 0.7, 0.7))
    assert [line.split()[0] for line in found] == ["93-100%", "67-73%"]


def test_a_bin_of_one_image_draws_no_bar_of_its_own() -> None:
    few = bins((14, 0.95, 0.95), (13, 0.9, 0.9))
    few[8] = Bin(8 / 15, 9 / 15, 1, 0.55, 1.0)
    found = reliability_text(few, 85, "").plain.splitlines()[3:]
    assert [line.split()[:2] for line in found] == [["93-100%", "100"], ["53-93%", "101"]]
    alone = reliability_text([Bin(8 / 15, 9 / 15, 1, 0.55, 1.0)], 85, "").plain.splitlines()[3]
    assert alone.split() == ["53-60%", "1", "too", "few", "images"]


def test_a_bar_shows_the_accuracy_and_a_stroke_the_confidence() -> None:
    (just,) = lines((14, 0.96, 0.96))
    assert just.endswith("━" * 48 + "┃")
    (doubtful,) = lines((14, 0.94, 1.0))
    assert doubtful.endswith("━" * 47 + "┃━━")
    (sure,) = lines((14, 0.96, 0.8))
    assert sure.endswith("━" * 40 + "┄" * 8 + "┃")
    assert "-16.0" in sure


def test_a_bin_that_is_all_wrong_has_no_bar() -> None:
    (wrong,) = lines((14, 1.0, 0.0))
    assert wrong.endswith("  " + "┄" * 49 + "┃")


def test_the_error_is_shown_above() -> None:
    expected = reliability_text(bins((14, 0.9, 0.8), (13, 0.9, 0.8)), 60, "").plain
    assert expected.startswith("Overconfident by 10.0 points (confidence 90.0%, right 80.0%)\nECE 0.1000 (15")
    assert reliability_text(bins((14, 0.9, 0.95)), 60, "").plain.startswith("Underconfident by 5.0 points")
    assert reliability_text(bins((14, 0.9, 0.9)), 60, "").plain.startswith("Calibrated (")
    assert reliability_text([], 60, "").plain.startswith("ECE 0.0000")
