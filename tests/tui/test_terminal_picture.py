"""What is sent, fed to a terminal, gives the picture that Textual has painted."""

from __future__ import annotations

import re
from collections.abc import Iterable
from random import Random

import pyte
import pytest
from rich.color import ColorSystem
from rich.console import Console
from rich.segment import ControlType, Segment
from rich.style import Style
from textual._compositor import ChopsUpdate, LayoutUpdate
from textual.geometry import Region
from textual.strip import Strip

from fmnist_tui.tui.terminal_picture import TerminalPicture

from .terminal import cells_of

WIDTH, HEIGHT = 24, 5
CONSOLE = Console(color_system="truecolor", force_terminal=True)
TEXTS = (
    "a",
    " ",
    "─",
    "▀",
    "é",
    "宽",
    "e\u0301",
    "🙂",
    "  ",
    "ab  c",
    "───────────",
    "            ",
    "x" * 9,
)
COLOURS = (None, "default", "red", "#102030", "#405060")
LOOKS = ("not bold", "bold", "dim bold", "underline", "reverse italic")
STYLES = [
    Style(color=colour, bgcolor=ground) + Style.parse(look)
    for colour in COLOURS
    for ground in COLOURS
    for look in LOOKS
]


def drawn(screen: pyte.Screen, sent: str) -> None:
    """Feeds a terminal that doesn't wrap lines; pyte doesn't know how to repeat a character."""
    pyte.Stream(screen).feed(
        "\x1b[?7l" + re.sub(r"(.)\x1b\[(\d+)b", lambda found: found[1] * (int(found[2]) + 1), sent)
    )


def a_row(chance: Random, width: int) -> Strip:
    segments = []
    while width > 0:
        segment = Segment(chance.choice(TEXTS), chance.choice([None, *STYLES]))
        if segment.cell_length > width:
            segment = Segment(" " * width, segment.style)
        segments.append(segment)
        width -= segment.cell_length
    return Strip(segments)


def an_update(chance: Random) -> LayoutUpdate | ChopsUpdate:
    """The whole screen, or parts of it."""
    cut = 11
    rows = [(a_row(chance, cut), a_row(chance, WIDTH - cut)) for _ in range(HEIGHT)]
    if chance.random() < 0.3:
        return LayoutUpdate([list(row) for row in rows], Region(0, 0, WIDTH, HEIGHT))
    spans = [(y, *chance.choice([(0, cut), (cut, WIDTH)])) for y in range(HEIGHT) if chance.random() < 0.5]
    chops = [{0: left, cut: right} for left, right in rows]
    return ChopsUpdate(chops, spans or [(0, 0, cut)], [[cut, WIDTH]] * HEIGHT)


def textuals(update: LayoutUpdate | ChopsUpdate) -> str:
    """As Textual sends it."""
    return update.render_segments(CONSOLE)


@pytest.mark.parametrize("limit", [None, 1, 60])
@pytest.mark.parametrize("repeats", [False, True])
def test_the_terminal_shows_what_textual_would_have_sent(repeats: bool, limit: int | None) -> None:
    chance = Random(7)  # noqa: S311 - pictures, no secrets
    picture, ours, theirs = TerminalPicture(), pyte.Screen(WIDTH, HEIGHT), pyte.Screen(WIDTH, HEIGHT)
    picture.repeats = repeats
    for _ in range(60):
        for update in [an_update(chance) for _ in range(chance.randrange(1, 4))]:
            drawn(theirs, textuals(update))
            picture.take(update, ColorSystem.TRUECOLOR)
            drawn(ours, picture.changes(limit))
        while not picture.is_shown:
            drawn(ours, picture.changes(limit))
        assert cells_of(ours) == cells_of(theirs)
        assert picture.changes() == ""
    picture.forget()
    ours.reset()
    drawn(ours, picture.changes())
    assert cells_of(ours) == cells_of(theirs)


def test_an_image_over_cells_is_drawn_again_only_where_it_was_damaged_and_cells_come_back_below_it() -> None:
    picture = TerminalPicture()

    def sent(*rows: str, image: str = "") -> str:
        over = [Segment(image, None, [(ControlType.CURSOR_MOVE_TO, 1, 0), (ControlType.CURSOR_MOVE_TO, 3, 2)])]
        strips: list[Iterable[Strip]] = [
            [Strip([Segment(row), *(over if image and y else [])], len(row))] for y, row in enumerate(rows)
        ]
        picture.take(LayoutUpdate(strips, Region(0, 0, 4, 2)), ColorSystem.TRUECOLOR)
        return picture.changes()

    assert sent("abcd", "efgh", image="<image>").endswith("<image>")
    assert sent("abcd", "efgh", image="<image>") == ""
    assert sent("Abcd", "efgh", image="<image>") == "\x1b[1HA"
    assert sent("ABcd", "efgh", image="<image>") == "\x1b[1;2HB<image>"
    assert sent("ABcd", "efgh", image="<other>") == "\x1b[1;2HBc\x1b[2;2Hfg<other>"
    assert sent("ABcd", "efgh") == "\x1b[1;2HBc\x1b[2;2Hfg"
    picture.forget()
    assert picture.changes() == "\x1b[1HABcd\x1b[2Hefgh"


@pytest.mark.parametrize(
    ("colours", "codes"),
    [(ColorSystem.TRUECOLOR, "38;2;255;0;0"), (ColorSystem.EIGHT_BIT, "38;5;196"), (ColorSystem.STANDARD, "31")],
)
def test_colours_are_those_that_the_terminal_has(colours: ColorSystem, codes: str) -> None:
    picture = TerminalPicture()
    strips = [Strip([Segment("ab", Style(color="#ff0000", bold=True)), Segment("c", Style(color="#ff0000"))])]
    picture.take(LayoutUpdate([strips], Region(0, 0, 3, 1)), colours)
    assert picture.changes() == f"\x1b[1H\x1b[1;{codes}mab\x1b[22mc\x1b[m"


def test_the_cursor_is_set_after_characters_whose_width_terminals_do_not_agree_on() -> None:
    picture = TerminalPicture()
    picture.take(LayoutUpdate([[Strip([Segment("a❤\ufe0fb")])]], Region(0, 0, 4, 1)), ColorSystem.TRUECOLOR)
    assert picture.changes() == "\x1b[1Ha❤\ufe0fb"
    picture.take(LayoutUpdate([[Strip([Segment("a宽b")])]], Region(0, 0, 4, 1)), ColorSystem.TRUECOLOR)
    assert picture.changes().endswith("宽\x1b[4Gb")
