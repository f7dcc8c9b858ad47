from __future__ import annotations

from fmnist_tui.tui.widgets.bar_chart import Bar, Scale, draw_bars

A, B = Bar("a", 0.5, "#112233", "50%"), Bar("long", 1.0, "#445566", "100%")


def test_bars_start_at_zero_and_end_at_their_values() -> None:
    assert draw_bars([A, B], Scale("%", 100), 31, 5).plain.split("\n") == [
        "a    ▆▆▆▆▆▆▆▆▆▆ 50%",
        "",
        "long ▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆ 100%",
        "     ┴─────────┴─────────┴",
        "     0%       50%       100%",
    ]


def test_bars_are_as_thick_as_there_is_room() -> None:
    rows = [draw_bars([A, B], Scale(), 40, height).plain.split("\n") for height in range(1, 30)]
    thickness = [sum("█" in line or "▆" in line for line in lines) for lines in rows]
    assert thickness == sorted(thickness)
    assert thickness[0] == 1
    assert thickness[-1] == 8
    assert all(len(lines) <= height for height, lines in enumerate(rows, start=1))
    assert "a" in rows[-1][1]


def test_paired_bars_have_no_gap_between_them() -> None:
    pair = [A, Bar("b", 0.2, "#112233", joined=True), B]
    assert [line[:1] for line in draw_bars(pair, Scale(), 40, 6).plain.split("\n")] == ["a", "b", "", "l", " ", " "]


def test_negative_values_go_to_the_left_of_zero() -> None:
    lines = draw_bars([Bar("a", -0.5, "#112233", "x"), Bar("b", 0.5, "#112233", "y")], Scale(), 25, 5).plain.split("\n")
    assert lines[0] == "a ▆▆▆▆▆▆▆▆▆▆ x"
    assert lines[2] == "b           ▆▆▆▆▆▆▆▆▆▆ y"


def test_a_reference_is_a_mark_on_the_bar_or_beyond_it() -> None:
    on = Bar("a", 1.0, "#112233", "x", reference=0.5)
    beyond = Bar("b", 0.5, "#112233", "y", reference=1.0)
    missing = Bar("c", None, "#112233", "", reference=1.0)
    lines = draw_bars([on, beyond, missing], Scale(mark="#999999"), 25, 3).plain.split("\n")
    assert lines[0] == "a ▆▆▆▆▆▆▆▆▆○▆▆▆▆▆▆▆▆▆▆ x"
    assert lines[1] == "b ▆▆▆▆▆▆▆▆▆▆         ○ y"
    assert lines[2].rstrip() == "c                    ○"


def test_bars_that_are_all_zero_are_drawn() -> None:
    assert "0.0" in draw_bars([Bar("a", 0.0, "#112233", "0")], Scale(), 40, 5).plain
