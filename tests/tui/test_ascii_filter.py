from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from fmnist_tui.tui.app import FmnistApp
from fmnist_tui.tui.cells import in_ascii

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


async def test_asked_for_it_all_screens_are_ascii(make_app: Maker, runs: Path) -> None:
    app = make_app(attach=write_run(runs), ascii_only=True)
    async with app.run_test(size=SIZES[0]) as pilot:
        await until_shown(pilot, "finished", "VAL ACC", "training")
        assert shown(app).isascii()
        await pilot.press("1")
        await loaded(pilot)
        for key in ("2", "4", "5", "question_mark"):
            await pilot.press(key)
            assert shown(app).isascii()
