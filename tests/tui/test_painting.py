"""The terminal shows what the app would paint if it painted everything again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

import pyte
import pytest
from rich.color import ColorSystem
from rich.console import Console
from textual._compositor import ChopsUpdate, LayoutUpdate

from fmnist_tui.inspection.client import InspectionClient
from fmnist_tui.tui.app import FmnistApp
from fmnist_tui.tui.terminal_picture import TerminalPicture

from .distant import DistantTerminal
from .driving import loaded
from .samples import write_run
from .terminal import DOWN, ESCAPE, TAB, Terminal, cells_of, installed_command, usual_environment

CONSOLE = Console(color_system="truecolor", force_terminal=True)
REPAINT = b"\x0c"
KEYS = [
    *"12345678" * 2,
    *"nvcmdoau?xg",
    *["escape"] * 3,
    "down",
    "up",
    "right",
    "left",
    "tab",
]


@pytest.mark.usefixtures("every_frame")
async def test_after_any_keys_on_any_screen_the_terminal_shows_the_whole_picture(
    make_app: Callable[..., FmnistApp], runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_run(runs, "v0", wrong=120)
    write_run(runs, "v3", seed=1, wrong=60)
    width, height = 60, 18
    picture, screen, chance = TerminalPicture(), pyte.Screen(width, height), Random(3)  # noqa: S311 - keys, no secrets
    stream = pyte.Stream(screen)

    def display(app: FmnistApp, _: Any, update: Any) -> None:
        if isinstance(update, LayoutUpdate | ChopsUpdate):
            picture.take(update, ColorSystem.TRUECOLOR)
            stream.feed(picture.changes())

    monkeypatch.setattr(FmnistApp, "_display", display)
    monkeypatch.setattr(InspectionClient, "send", lambda *_: 0)
    app = make_app()
    async with app.run_test(size=(width, height)) as pilot:
        await loaded(pilot)
        for _ in range(25):
            pressed = [chance.choice(KEYS) for _ in range(chance.randrange(1, 4))]
            await pilot.press(*pressed)
            await pilot.pause()
            whole = app.screen._compositor.render_update(full=True, screen_stack=app._background_screens)
            assert isinstance(whole, LayoutUpdate)
            expected = pyte.Screen(width, height)
            pyte.Stream(expected).feed(f"\x1b[?7l{whole.render_segments(CONSOLE)}")
            assert cells_of(screen) == cells_of(expected), f"after {pressed}: {screen.display}, not {expected.display}"


def assert_a_repaint_changes_nothing(terminal: Terminal) -> None:
    while terminal.sent_in(0.5):
        pass
    before = terminal.cells()
    terminal.clear()
    terminal.press(REPAINT)
    while terminal.sent_in(0.5):
        pass
    assert terminal.cells() == before


@contextmanager
def app_at_a_distance(
    runs: Path, size: tuple[int, int], *, round_trip: float, bytes_per_second: float
) -> Iterator[DistantTerminal]:
    terminal = DistantTerminal(
        [installed_command()],
        size,
        usual_environment(runs),
        round_trip=round_trip,
        bytes_per_second=bytes_per_second,
    )
    try:
        terminal.wait_for("demo, train: 1-")
        yield terminal
    finally:
        terminal.close()


def test_what_is_sent_over_a_slow_line_is_the_whole_picture_in_every_size(runs: Path) -> None:
    write_run(runs, "v0", wrong=120)
    with app_at_a_distance(runs, (80, 24), round_trip=0.02, bytes_per_second=30e3) as terminal:
        assert_a_repaint_changes_nothing(terminal)
        for keys in (["2", DOWN, TAB], ["?"], [ESCAPE, "4", "v"], ["1", "n"]):
            terminal.press_and_settle(*keys)
        assert_a_repaint_changes_nothing(terminal)
        terminal.resize(100, 30)
        assert_a_repaint_changes_nothing(terminal)
        terminal.press("q")
        assert terminal.wait() == 0
        assert not terminal.unanswered, "answers that come now are the shell's"


def test_an_answer_to_a_key_does_not_wait_for_a_page_of_images_on_a_slow_line(runs: Path) -> None:
    with app_at_a_distance(runs, (120, 40), round_trip=0.1, bytes_per_second=20e3) as terminal:
        while terminal.sent_in(1.0):
            pass
        terminal.press("n")
        terminal.sent_in(0.1)
        answer = terminal.time_key(b"2", patience=10)
        assert answer is not None
        assert answer.first < 0.5


def test_what_a_slow_line_takes_at_once_arrives_in_parts_that_are_shown_at_once(runs: Path) -> None:
    with app_at_a_distance(runs, (120, 40), round_trip=0.1, bytes_per_second=20e3) as terminal:
        while terminal.sent_in(1.0):
            pass
        answer = terminal.time_key(b"2", patience=10)
        assert answer is not None
        assert answer.size > 3000
        first = bytes(terminal.sent[-answer.size :]).split(b"\x1b[6n")[0]
        assert first.count(b"\x1b[?2026l") == 2, "two frames before the terminal is asked whether it has them"
