from __future__ import annotations

from typing import Any

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.app import App, ComposeResult
from textual.events import Click
from textual.widgets import DataTable

from fmnist_tui.tui.widgets.plain_table import PlainTable


class OneTable(App[None]):
    def compose(self) -> ComposeResult:
        yield PlainTable(id="one")


def simplified(lines: list[list[Segment]]) -> list[list[Any]]:
    """Neighbours in one style joined, and what was never drawn left out."""
    return [list(Segment.simplify(segment for segment in line if segment.text)) for line in lines]


async def test_cells_look_as_textual_draws_them(every_frame: None) -> None:
    run = Text("v3-0001")
    run.stylize("bold #ff0000", 0, 2)
    cells = (run, Text(f"{'93.71%':>8}", "bold"), Text(""), Text("größer 図", "dim"))
    async with OneTable().run_test(size=(60, 10)) as pilot:
        table = pilot.app.query_one(PlainTable)
        table.show(["run", "accuracy", "", "label"], [cells, tuple("abcd")])
        await pilot.pause()
        for row in (-1, 0, 1):
            for column, known in enumerate(table.ordered_columns):
                for cursor in (False, True):
                    given = row, column, Style(bgcolor="#101010"), known.get_render_width(table), cursor
                    ours, theirs = table._render_cell(*given), DataTable._render_cell(table, *given)
                    assert simplified(ours) == simplified(theirs), given


async def test_a_cell_of_two_lines_is_left_to_textual(every_frame: None) -> None:
    async with OneTable().run_test(size=(60, 10)) as pilot:
        table = pilot.app.query_one(PlainTable)
        table.show(["a"], [(Text("one\ntwo"),)])
        await pilot.pause()
        given = 0, 0, Style(), 9
        assert table._render_cell(*given) == DataTable._render_cell(table, *given)


async def test_a_click_on_a_heading_that_is_gone_does_nothing(every_frame: None) -> None:
    async with OneTable().run_test(size=(60, 10)) as pilot:
        table = pilot.app.query_one(PlainTable)
        table.show(["a", "b"], [("1", "2")])
        await pilot.pause()
        heading = Style(meta={"row": -1, "column": 1})
        table.post_message(Click(table, 3, 0, 0, 0, 1, False, False, False, 3, 0, style=heading))
        table.show(["a"], [("1",)])
        await pilot.pause()
        assert table.is_attached


async def test_the_cursor_of_an_empty_table_stays_on_its_first_row(every_frame: None) -> None:
    """Textual sent it to row -1, which is the last row of a list, or none."""
    async with OneTable().run_test(size=(60, 10)) as pilot:
        table = pilot.app.query_one(PlainTable)
        for key in ("end", "ctrl+end", "pagedown", "pageup", "up", "down", "home", "ctrl+home"):
            table.focus()
            await pilot.press(key)
            assert table.cursor_coordinate == (0, 0)
        table.show(["a"], [("1",), ("2",)])
        await pilot.pause()
        assert table.cursor_row == 0


async def test_a_table_that_is_shown_and_filled_while_others_are_laid_out_has_room_for_its_rows(
    every_frame: None,
) -> None:
    """The queue had no rows where the screen below it was laid out again in that moment."""
    async with OneTable().run_test(size=(60, 10)) as pilot:
        table = pilot.app.query_one(PlainTable)
        table.styles.height = "auto"
        table.display = False
        await pilot.pause()
        table.display = True
        table.show(["a"], [("1",), ("2",)])
        pilot.app.screen._refresh_layout()
        await pilot.pause()
        assert table.region.height == 3
