from __future__ import annotations

from fmnist_tui.report.formats import aligned, fitted, print_report, to_markdown, to_text
from fmnist_tui.report.report import Column, Line, Report, Section, Table

TABLE = Table(
    (Column("run"), Column("images", "right", priority=2), Column("device", priority=1)),
    ((Line("a"), Line("60,000"), Line("cpu")), (Line("b"), Line("7"), Line("cuda:0"))),
)
SECTIONS = (
    Section(table=TABLE, lines=(Line("a gain"),), detail=False),
    Section("Steps", lines=(Line("a step", certain=False), Line("another"))),
)
REPORT = Report("a title", SECTIONS, {}, ((), ()))


def printed(report: Report) -> list[str]:
    lines: list[str] = []
    print_report(report, lambda table: lines.extend("|".join(row) for row in aligned(table, len)), lines.append)
    return lines


def test_numbers_are_aligned_right() -> None:
    assert aligned(TABLE, len) == [["run", "images", "device"], ["a", "60,000", "cpu"], ["b", "     7", "cuda:0"]]


def test_the_columns_of_lowest_priority_are_left_out_first_and_those_without_one_never() -> None:
    assert fitted(TABLE, 19, len).header == ["run", "images", "device"]
    assert fitted(TABLE, 18, len).header == ["run", "images"]
    assert fitted(TABLE, 10, len).header == ["run"]
    assert fitted(TABLE, 1, len).header == ["run"]


def test_the_sections_are_printed_in_their_order() -> None:
    rows = ["run|images|device", "a|60,000|cpu", "b|     7|cuda:0"]
    assert printed(REPORT) == ["a title", "", *rows, "", "a gain", "", "Steps:", "a step", "another"]
    assert printed(REPORT.short) == ["a title", "", *rows, "", "a gain"]
    assert printed(REPORT.below_table) == ["a title", "", "a gain", "", "Steps:", "a step", "another"]


def test_markdown_and_text_have_the_same_sections() -> None:
    assert to_markdown(REPORT) == (
        "**a title**\n\n| run | images | device |\n| --- | ---: | --- |\n| a | 60,000 | cpu |\n| b | 7 | cuda:0 |\n\n"
        "a gain\n\n**Steps**\n\n- a step\n- another\n"
    )
    text = to_text(REPORT, 80).plain.splitlines()
    assert text == [
        "run  images  device",
        "a    60,000  cpu",
        "b         7  cuda:0",
        "a gain",
        "",
        "Steps",
        "a step",
        "another",
    ]
