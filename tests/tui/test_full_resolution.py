"""Images in full resolution: in terminals that confirm that they can show them, and in no others."""

from __future__ import annotations

import io
import os
import re
import time
from pathlib import Path

import numpy as np
import pytest
from textual import events
from textual._xterm_parser import XTermParser
from textual.app import App, ComposeResult
from textual.drivers import linux_driver
from textual.screen import Screen
from textual.widgets import Static

from fmnist_tui.tui.full_resolution import sharp
from fmnist_tui.tui.terminal_answers import Answers, Graphics, may_ask, question, take_answers
from fmnist_tui.tui.widgets.images import Picture, drawing

from .terminal import ESCAPE, Terminal, app_in_terminal, assert_restored

PLAIN = {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
CELL, SIXEL, NO_SIXEL = b"\x1b[6;20;10t", b"\x1b[?62;4;22c", b"\x1b[?62;22c"
KITTY = b"\x1b_Gi=31;OK\x1b\\"
LATE = 0.6


@pytest.mark.parametrize(
    "changed",
    [
        {"TMUX": "default,1,0"},
        {"STY": "1.pts"},
        {"ZELLIJ": "0"},
        {"TERM": "screen-256color"},
        {"TERM": "tmux-256color"},
        {"NO_COLOR": "1"},
        {"FMNIST_TUI_IMAGES": "blocks"},
        {"TEXTUAL_DRIVER": "textual.drivers.web_driver:WebDriver"},
    ],
    ids=str,
)
def test_some_terminals_are_not_asked(changed: dict[str, str]) -> None:
    assert may_ask(PLAIN)
    assert not may_ask({**PLAIN, **changed})


def test_no_terminal_is_asked_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fmnist_tui.tui.terminal_answers.find_spec", lambda _: None)
    assert not may_ask(PLAIN)


def test_only_terminals_like_kitty_get_its_question() -> None:
    assert question(PLAIN) == "\x1b[16t\x1b[c"
    kitty = {"TERM": "xterm-kitty", "COLORTERM": "truecolor"}
    assert question(kitty).startswith("\x1b_G")
    assert not question({**kitty, "COLORTERM": ""}).startswith("\x1b_G"), "the colours of characters name the image"


def heard(sent: str, monkeypatch: pytest.MonkeyPatch) -> tuple[list[Graphics], str]:
    """What is concluded from the input, and the keys that are left."""
    monkeypatch.setattr(linux_driver, "XTermParser", XTermParser)
    found: list[Graphics] = []
    take_answers(Answers(found.append))
    keys = [event for event in vars(linux_driver)["XTermParser"]().feed(sent) if isinstance(event, events.Key)]
    return found, "".join(key.character or "" for key in keys)


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        (CELL + SIXEL, [Graphics("sixel", (10, 20))]),
        (KITTY + CELL + NO_SIXEL, [Graphics("kitty", (10, 20))]),
        (b"\x1b_Gi=31;EINVAL:no such thing, which is a long story\x1b\\" + CELL + NO_SIXEL, []),
        (CELL + NO_SIXEL, []),
        (b"\x1b[?4c" + CELL, []),
        (SIXEL, []),
        (b"\x1b[6;0;0t" + SIXEL, []),
        (CELL + SIXEL + b"\x1b[6;30;15t", [Graphics("sixel", (10, 20)), Graphics("sixel", (15, 30))]),
    ],
    ids=str,
)
def test_answers_are_understood_and_are_no_keys(
    answers: bytes, expected: list[Graphics], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert heard(f"a{answers.decode()}b", monkeypatch) == (expected, "ab")


def test_an_answer_that_never_ends_does_not_swallow_all_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    assert heard("\x1b_G" + "x" * 300, monkeypatch)[1]


def test_the_colours_are_those_of_the_half_blocks() -> None:
    image = np.arange(16, dtype=np.uint8).reshape(4, 4) * 16
    look = drawing(in_ascii=False, inverted=True)
    style = look(image)[0][0].style
    assert style is not None
    assert style.color is not None
    assert style.color.triplet == tuple(look.colours(image)[0, 0])


def test_sixels_fill_the_cells() -> None:
    colours = np.zeros((28, 28, 3), np.uint8)
    found = sharp(colours, 28, 14, Graphics("sixel", (10, 21)))
    assert found.overlay.startswith("\x1bP")
    assert '"1;1;280;294' in found.overlay
    assert found.overlay.endswith("\x1b\\")
    assert not found.begin


def test_images_for_kitty_are_sent_and_placed_by_characters(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = io.StringIO()
    monkeypatch.setattr("sys.__stdout__", terminal)
    found = sharp(np.zeros((28, 28, 3), np.uint8), 28, 14, Graphics("kitty", (10, 20)))
    assert [row.cell_length for row in found.rows] == [28] * 14
    assert re.search(r"\x1b_Ga=p,i=(\d+),c=28,r=14,U=1", found.begin)
    assert not terminal.getvalue()


def opened(terminal: Terminal) -> None:
    """The dialog with a large image."""
    terminal.wait_for("demo, train: 1-")
    terminal.press_and_settle("\r")
    terminal.wait_for("v: values")


class Small(App[None]):
    """A picture, something that may cover it, and a terminal with sixels."""

    CSS = "Screen { layers: below above; } Static { layer: above; width: 5; height: 3; display: none; }"
    graphics = Graphics("sixel", (10, 20))

    def compose(self) -> ComposeResult:
        yield Picture()
        yield Static("covers")

    def is_sharp(self) -> bool:
        picture = self.query_one(Picture)
        lines = picture.render_lines(picture.size.region)
        assert [line.cell_length for line in lines] == [28] * 14
        return any(segment.control for line in lines for segment in line)


async def test_what_is_covered_stays_half_blocks() -> None:
    async with Small().run_test() as pilot:
        app = pilot.app
        assert isinstance(app, Small)
        picture = app.query_one(Picture)
        picture.draw = drawing(in_ascii=False, inverted=False)
        picture.image = np.eye(28, dtype=np.uint8) * 255
        await pilot.pause()
        assert app.is_sharp()
        for hidden in (True, False):
            app.query_one(Static).display = hidden
            await pilot.pause()
            assert app.is_sharp() is not hidden
        picture.draw = drawing(in_ascii=True, inverted=False)
        assert not app.is_sharp()
        picture.draw = drawing(in_ascii=False, inverted=True)
        assert app.is_sharp()
        below = app.screen
        await app.push_screen(Screen())
        assert not any(
            one.control for line in below.query_one(Picture).render_lines(picture.size.region) for one in line
        )


def overlays(sent: bytes) -> list[tuple[bytes, bytes]]:
    """Where sixels were drawn, and their size in pixels."""
    return re.findall(rb"\x1b7\x1b\[(\d+;\d+)H\x1bP0;0;0q\"1;1;(\d+;\d+)[^\x1b]*\x1b\\\x1b8", sent)


def asked(terminal: Terminal) -> None:
    terminal.wait_for("demo, train: 1-")
    while b"\x1b[c" not in terminal.sent:
        terminal.sent_in(0.1)


def test_an_app_in_a_terminal_with_sixels(runs: Path) -> None:
    with app_in_terminal(runs, size=(120, 40), COLORTERM="truecolor", TMUX="", TERM="xterm-256color") as terminal:
        asked(terminal)
        assert terminal.sent.index(b"Dataset") < terminal.sent.index(b"\x1b[c")
        time.sleep(LATE)
        terminal.burst(CELL + SIXEL)
        while not overlays(terminal.sent):
            terminal.sent_in(0.1)
        below, before = {place for place, _ in overlays(terminal.sent)}, len(terminal.sent)
        opened(terminal)
        terminal.press_and_settle("n")
        shown = overlays(terminal.sent[before:])
        assert shown[-1][1] == b"560;560"
        assert not {place for place, _ in shown} & below, "below the dialog, there are half-blocks"
        before = len(terminal.sent)
        terminal.press_and_settle(ESCAPE)
        terminal.wait_until_gone("v: values")
        assert overlays(terminal.sent[before:])
        assert terminal.sent_in(0.8) == b""
        terminal.press("q")
        assert terminal.wait() == 0
        assert_restored(terminal)


@pytest.mark.parametrize("answer", [b"", CELL + NO_SIXEL])
def test_an_app_in_a_terminal_without_them(runs: Path, answer: bytes) -> None:
    with app_in_terminal(runs, size=(120, 40), COLORTERM="truecolor", TMUX="", TERM="xterm-256color") as terminal:
        asked(terminal)
        terminal.burst(answer)
        opened(terminal)
        assert b"\x1bP" not in terminal.sent
        assert b"\x1b_G" not in terminal.sent


def test_an_app_in_a_terminal_like_kitty(runs: Path) -> None:
    with app_in_terminal(runs, size=(120, 40), COLORTERM="truecolor", TMUX="", TERM="xterm-kitty") as terminal:
        asked(terminal)
        terminal.burst(KITTY + CELL + NO_SIXEL)
        opened(terminal)
        sent = terminal.sent.decode()
        assert "U=1" in sent
        assert sent.count("\U0010eeee") >= 56 * 28
        names = r"\x1b_Ga={},(?:d=I,)?i=(\d+),"
        placed, freed = (re.findall(names.format(action), sent) for action in "pd")
        assert placed[-1] not in freed, "the image that is shown is still there"
        terminal.press_and_settle(ESCAPE)
        assert re.search(r"\x1b_Ga=d,d=I,i=\d+,q=2", terminal.sent.decode())
        terminal.press("q")
        assert terminal.wait() == 0
        assert_restored(terminal)


def test_an_app_that_was_told_not_to_ask(runs: Path) -> None:
    with app_in_terminal(runs, size=(80, 24), COLORTERM="truecolor", FMNIST_TUI_IMAGES="blocks") as terminal:
        opened(terminal)
        assert b"\x1b[c" not in terminal.sent
        assert os.environ.get("FMNIST_TUI_IMAGES") is None
