from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.renderables.digits import Digits as DigitsRenderable

from fmnist_tui.tui.app import FmnistApp
from fmnist_tui.tui.ascii_filter import AsciiFilter
from fmnist_tui.tui.cells import in_ascii
from fmnist_tui.tui.widgets.big_number import ascii_digits

from .driving import SIZES, loaded, shown, until_shown
from .samples import write_run

Maker = Callable[..., FmnistApp]


@given(st.text(st.characters(exclude_categories=["C", "M"])))
def test_every_text_becomes_ascii_of_the_same_width(text: str) -> None:
    assert in_ascii(text).isascii()
    assert cell_len(in_ascii(text)) == cell_len(text)


@pytest.mark.parametrize(
    ("text", "plain"),
    [("┌─┐", "+-+"), ("━━╸", "==="), ("⠀⣿", " #"), ("é …", "e ."), ("0.2412 ± 0.0031", "0.2412+/-0.0031")],
)
def test_frames_bars_curves_and_text_become_ascii(text: str, plain: str) -> None:
    assert in_ascii(text) == plain


def test_large_digits_are_legible_and_as_wide_as_textuals() -> None:
    assert ascii_digits("+1.5%") == ["        _  ", "_|_  | |_  ", " |   |. _|%"]
    drawn = {digit: tuple(ascii_digits(digit)) for digit in "0123456789+-"}
    assert len(set(drawn.values())) == len(drawn)
    for number in ("93.71%", "-0.04", "", "n/a"):
        assert {len(row) for row in ascii_digits(number)} == {DigitsRenderable.get_width(number)}
        assert "".join(ascii_digits(number)).isascii()


def test_the_ends_of_a_scrollbar_are_blank_and_other_bars_are_not() -> None:
    grip = Style(meta={"@mouse.down": "grab"})
    segments = AsciiFilter().apply([Segment("▃", grip), Segment("▃", Style()), Segment("▃")], Color(0, 0, 0))
    assert [text for text, *_ in segments] == [" ", in_ascii("▃"), in_ascii("▃")]


async def test_asked_for_it_all_screens_are_ascii(make_app: Maker, runs: Path) -> None:
    app = make_app(attach=write_run(runs), ascii_only=True)
    async with app.run_test(size=SIZES[0]) as pilot:
        await until_shown(pilot, "finished", "VAL ACC", "train")
        assert shown(app).isascii()
        await pilot.press("1")
        await loaded(pilot)
        for key in ("2", "4", "5", "question_mark"):
            await pilot.press(key)
            assert shown(app).isascii()
