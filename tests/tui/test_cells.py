"""Widths in cells: names of any script stay within their columns, and no character is cut in two."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.text import Text
from textual.app import App, ComposeResult

from fmnist_tui.tui.cells import cells, centre, cut, distinct, pad, wrap
from fmnist_tui.tui.errors.heat_map import short_names
from fmnist_tui.tui.widgets.plain_table import PlainTable

FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
PICTURES = st.sampled_from(["東", "e\u0301", "👍🏽", "🇩🇪", "❤️", FAMILY, "1️⃣", "각", "a", " ", "\u0301", "🇫"])
TEXTS = st.one_of(st.text(), st.lists(PICTURES).map("".join))


@given(TEXTS, st.integers(-1, 30))
def test_a_cut_text_fits_and_a_padded_one_fills_its_cells(text: str, width: int) -> None:
    short = cut(text, width)
    assert cells(short) <= max(width, 0) or short == text
    assert cells(cut(text, width, "")) <= max(width, 0) or not cells(text)
    if width >= 0:
        assert cells(pad(cut(text, width), width)) >= width
        assert cells(centre(short, width)) >= min(width, cells(short))


def test_letters_of_europe_take_one_cell_each_as_rich_says() -> None:
    letters = "".join(filter(str.isprintable, map(chr, range(0x20, 0x300))))
    assert cells(letters) == cell_len(letters) == len(letters)
    assert cells(f"{letters}東") == len(letters) + 2


@pytest.mark.parametrize(
    ("text", "width", "shown"),
    [
        ("plain", 5, "plain"),
        ("plain", 4, "pla…"),
        ("東京都", 6, "東京都"),
        ("東京都", 5, "東京…"),
        ("東京都", 4, "東…"),
        ("e\u0301e\u0301e\u0301", 2, "e\u0301…"),
        ("🇩🇪🇫🇷", 4, "🇩🇪🇫🇷"),
        ("🇩🇪🇫🇷", 3, "🇩🇪…"),
        ("🇩🇪🇫🇷", 2, "…"),
        ("👍🏽👍🏽", 3, "👍🏽…"),
        (f"{FAMILY}{FAMILY}", 3, f"{FAMILY}…"),
        ("❤️❤️", 3, "❤️…"),
        ("a b c", 3, "a…"),
        ("abc", 1, "…"),
        ("abc", 0, ""),
    ],
)
def test_only_whole_characters_are_cut_off(text: str, width: int, shown: str) -> None:
    assert cut(text, width) == shown


@pytest.mark.parametrize(
    ("texts", "width", "shown"),
    [
        (("T-shirt/top", "Bag", "Ankle boot"), 8, ("T-shirt…", "Bag", "Ankle b…")),
        (("features.3.layers.0", "features.3.layers.2", "head"), 8, ("…ayers.0", "…ayers.2", "head")),
        (("a very long name, 1 of 2", "a very long name, 2 of 2"), 11, ("…me, 1 of 2", "…me, 2 of 2")),
        (("stem one red apple", "stem one red pear", "stem two red apple"), 8, ("…d apple", "…ed pear", "stem tw…")),
        (("東京都港区", "東京都北区"), 7, ("…都港区", "…都北区")),
        (("the flags 🇩🇪", "the flags 🇩🇰"), 6, ("…gs 🇩🇪", "…gs 🇩🇰")),
        (("same name", "same name"), 6, ("same…", "same…")),
        (("abcdef", "abcdeg"), 1, ("…", "…")),
    ],
)
def test_texts_that_would_look_the_same_are_cut_where_they_differ(
    texts: tuple[str, ...], width: int, shown: tuple[str, ...]
) -> None:
    assert distinct(texts, width) == shown


@given(st.lists(TEXTS, min_size=1, max_size=8).map(tuple), st.integers(1, 12))
def test_distinct_texts_fit(texts: tuple[str, ...], width: int) -> None:
    assert all(cells(short) <= width for short in distinct(texts, width))


def test_centred_text_has_the_same_margin_on_both_sides() -> None:
    assert centre("東", 6) == "  東  "
    assert centre("abc", 2) == "abc"


@given(TEXTS, st.integers(1, 40))
def test_lines_break_between_words_and_lose_none(text: str, width: int) -> None:
    lines = wrap(text, width)
    assert " ".join(lines).split() == text.split()
    assert all(cell_len(line) <= width or len(line.split()) == 1 for line in lines)


def test_a_path_is_never_broken() -> None:
    path = "/very/long/" + "x" * 50
    assert wrap(f"see {path} for more", 20) == ["see", path, "for more"]


async def test_a_tables_columns_are_as_wide_as_names_of_wide_characters() -> None:
    class OneTable(App[None]):
        def compose(self) -> ComposeResult:
            yield PlainTable()

    app = OneTable()
    async with app.run_test(size=(60, 8)) as pilot:
        table = app.query_one(PlainTable)
        table.show(("label", "z"), [("東京タワー", "x"), (Text("e\u0301" * 4), "y")])
        await pilot.pause()
        assert [column.width for column in table.ordered_columns] == [10, 1]
        lines = [line.text for line in table.render_lines(table.region)]
        assert {cell_len(line[: line.index(mark)]) for line in lines for mark in "xy" if mark in line} == {13}


def test_class_names_of_wide_characters_line_up_in_lists_and_maps() -> None:
    assert {cells(name) for name in short_names(("東京駅", "大阪駅", "plain"), 5)} == {4, 5}
    assert short_names(("東京駅", "東京湾"), 4) == ("0", "1")


def test_what_was_cut_before_gets_no_second_mark() -> None:
    assert cut("epochs 1,… and more", 10) == "epochs 1,…"
