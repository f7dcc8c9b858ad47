"""The installed command in terminals of many kinds: sizes, colours, character sets, with and without a mouse."""

from __future__ import annotations

import os
from itertools import product
from pathlib import Path

import pytest
from builtin_names import SPAN

from .samples import write_run
from .terminal import (
    ESCAPE,
    MOUSE,
    PALETTE,
    RESTORING,
    TAB,
    Terminal,
    app_in_terminal,
    assert_restored,
    colours_sent,
    installed_command,
)

Size = tuple[int, int]
Environment = dict[str, str]

KINDS = ("xterm-256color", "screen", "linux")
SIZES = ((60, 18), (80, 24), (250, 70))
LOCALES = {"UTF-8": {"LC_ALL": "C.UTF-8"}, "C": {"LC_ALL": "", "LC_CTYPE": "", "LANG": "C"}}
COLOURS = {"true colours": {}, "its own colours": {"COLORTERM": ""}, "no colours": {"COLORTERM": "", "NO_COLOR": "1"}}
GREYS_OF_16 = {(number,) for number in (0, 7, 8, 15)}


def case(kind: str, size: Size, locale: str, colours: str, *marks: pytest.MarkDecorator) -> object:
    """One terminal, named after its kind."""
    environment = {"TERM": kind, **LOCALES[locale], **COLOURS[colours]}
    return pytest.param(environment, size, id=f"{kind}, {size[0]}x{size[1]}, {locale}, {colours}", marks=marks)


A_HANDFUL = [
    case("xterm-256color", (250, 70), "C", "true colours", pytest.mark.slow),
    case("screen", (60, 18), "UTF-8", "no colours"),
    case("linux", (80, 24), "C", "its own colours", pytest.mark.slow),
]


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """A run of v0 and one of v3, finished, in a folder of their own."""
    folder = tmp_path / "runs"
    write_run(folder, "v0", wrong=120)
    write_run(folder, "v3", seed=1, wrong=60)
    return folder


def visit_everything(terminal: Terminal) -> None:
    """Every screen, the help and the palette, by keys; then the app is left."""
    visits = (
        ("2", "v0 Dense network"),
        ("3", "TEST ACCURACY"),
        ("4", f"{SPAN}, recipe tuned"),
        ("1", "demo, train: 1-"),
        ("?", "Switch between training and test images"),
    )
    for key, expected in visits:
        terminal.press_and_settle(key)
        terminal.wait_for(expected)
    terminal.press_and_settle(ESCAPE)
    terminal.wait_until_gone(visits[-1][1])
    terminal.press(PALETTE)
    terminal.wait_for("Search for commands")
    terminal.press_and_settle(ESCAPE)
    terminal.wait_until_gone("Search for commands")
    terminal.press("q")
    assert terminal.wait() == 0


def assert_fits(terminal: Terminal, environment: Environment, *, ascii_only: bool) -> None:
    """Nothing was sent that such a terminal can't show."""
    colours = colours_sent(terminal)
    own = 5 if "256" in environment["TERM"] else None
    depths = {colour[0] if len(colour) > 1 else None for colour in colours}
    assert depths == {2 if environment.get("COLORTERM", "truecolor") else own}
    if "NO_COLOR" in environment:
        assert colours <= GREYS_OF_16 or own == 5
    assert terminal.sent.isascii() is ascii_only


def check(runs: Path, environment: Environment, size: Size) -> None:
    with app_in_terminal(runs, size=size, **environment) as terminal:
        visit_everything(terminal)
        assert_restored(terminal)
        assert_fits(terminal, environment, ascii_only="LANG" in environment)


@pytest.mark.parametrize(("environment", "size"), A_HANDFUL)
def test_every_screen_in_a_terminal_of_this_kind(runs: Path, environment: Environment, size: Size) -> None:
    check(runs, environment, size)


@pytest.mark.slow
@pytest.mark.parametrize(("environment", "size"), [case(*all_) for all_ in product(KINDS, SIZES, LOCALES, COLOURS)])
def test_every_screen_in_terminals_of_all_kinds(runs: Path, environment: Environment, size: Size) -> None:
    check(runs, environment, size)


def test_without_a_mouse_in_ascii_and_in_silence_while_nothing_happens(runs: Path) -> None:
    environment = {"TERM": "xterm-256color", **COLOURS["its own colours"]}
    with app_in_terminal(runs, "--no-mouse", "--ascii", size=(120, 40), **environment) as terminal:
        for keys in (["2", TAB, TAB], [ESCAPE, "1", "j"], [ESCAPE, PALETTE]):
            terminal.press_and_settle(*keys)
            assert terminal.sent_in(0.8) == b""
        terminal.press_and_settle(ESCAPE)
        terminal.wait_until_gone("Search for commands")
        terminal.press("q")
        assert terminal.wait() == 0
        assert_restored(terminal, RESTORING.keys() - MOUSE)
        assert not any(on in terminal.sent for on, _ in MOUSE.values())
        assert_fits(terminal, environment, ascii_only=True)


@pytest.mark.parametrize("kind", ["dumb", "unknown", ""])
def test_a_dumb_terminal_gets_advice_and_no_escape_sequences(runs: Path, kind: str) -> None:
    terminal = Terminal([installed_command()], (80, 24), {**os.environ, "TERM": kind})
    try:
        assert terminal.wait() == 1
        assert b"\x1b" not in terminal.sent
        assert "train without the app" in " ".join(terminal.text().split())
    finally:
        terminal.close()
