"""The keys at the bottom and in help, as they are drawn."""

from __future__ import annotations

from collections.abc import Callable

from textual.binding import Binding
from textual.content import Content

from fmnist_tui.tui.app import FmnistApp
from fmnist_tui.tui.dialogs import help as help_dialog
from fmnist_tui.tui.widgets.key_line import KeyLine, arrows_named

from .driving import loaded, part, shown, text_in, until_shown, widget

ROWS = {
    "Run": [("space", "Pause the run"), ("s", "Stop the run after this epoch, or now, or not at all")],
    "Chart": [("+ =", "Zoom in")],
    "App": [("q", "Quit")],
}


async def test_keys_are_in_the_accent_colour_words_muted_and_nothing_underlined(app: FmnistApp) -> None:
    async with app.run_test(size=(120, 36)) as pilot:
        await loaded(pilot)
        line = widget(pilot, "KeyLine", KeyLine)
        segments = [one for one in line.render_line(0) if one.text.strip()]
        styles = {one.text.strip(): one.style for one in segments}
        key, word = styles["c"], styles["Classes"]
        assert key is not None
        assert word is not None
        assert key.color is not None
        assert key.color.name == app.current_theme.accent.lower()  # type: ignore[union-attr]
        assert word.color != key.color
        assert not any(one.style and one.style.underline for one in segments)
        await pilot.click("KeyLine", offset=(part(pilot, "KeyLine").index("t Train"), 0))
        assert "demo, test" in text_in(pilot, "#caption")


def test_in_ascii_arrows_have_names() -> None:
    names = [arrows_named(keys) for keys in ("↓", "←→", "home", "+", "v", "")]
    assert names == ["down", "left/right", "home", "+", "v", ""]


async def test_in_ascii_the_down_key_is_not_the_letter_v(make_app: Callable[..., FmnistApp]) -> None:
    app = make_app(ascii_only=True)
    async with app.run_test() as pilot:
        await loaded(pilot)
        assert app.get_key_display(Binding("down", "x", key_display="↓")) == "down"
        assert app.get_key_display(Binding("enter", "x")) == "enter"


async def test_help_has_groups_side_by_side_where_there_is_room(app: FmnistApp) -> None:
    async with app.run_test(size=(120, 36)) as pilot:
        await loaded(pilot)
        await pilot.press("question_mark")
        assert place(shown(app), "Go to Dataset") > 60
        await pilot.resize_terminal(80, 24)
        await pilot.pause()
        await pilot.press("end")
        assert place(shown(app), "Go to Dataset") < 40
        await pilot.press("escape", "4", "question_mark")
        await until_shown(pilot, "Up, down", "home end To the start, to the end")


def place(screen: str, text: str) -> int:
    """The column of a text."""
    return next(line.index(text) for line in screen.splitlines() if text in line)


def plain(lines: list[Content]) -> list[str]:
    return [line.plain for line in lines]


def test_a_column_has_a_heading_for_each_group_and_wraps_within_its_column() -> None:
    assert plain(help_dialog._column(ROWS, 30)) == [
        "Run",
        "space  Pause the run",
        "s      Stop the run after this",
        "       epoch, or now, or not",
        "       at all",
        "",
        "Chart",
        "+ =    Zoom in",
        "",
        "App",
        "q      Quit",
    ]


def test_two_columns_differ_little_in_height() -> None:
    assert plain(help_dialog._two_columns(ROWS, 63)) == [
        "Run                              Chart",
        "space  Pause the run             + =  Zoom in",
        "s      Stop the run after this   ",
        "       epoch, or now, or not     App",
        "       at all                    q    Quit",
    ]
