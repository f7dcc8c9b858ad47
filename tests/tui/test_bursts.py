"""Keys, pastes, clicks and other sizes that come in bursts, on every screen and dialog: the app never crashes."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from textual.events import Key, MouseDown, MouseMove, MouseUp, Resize
from textual.geometry import Size
from textual.screen import Screen
from textual.widgets import OptionList, Select
from textual.widgets._toast import Toast
from waiting import wait_until

from fmnist_tui.tui.app import FmnistApp
from fmnist_tui.tui.base_screens import Dialog
from fmnist_tui.tui.dataset.large_image import LargeImageDialog
from fmnist_tui.tui.palette import Palette
from fmnist_tui.tui.run_control import RunControl

from .demo_runs import write_demo_run
from .driving import AnyPilot, loaded, shown, until
from .random_input import post, printable
from .samples import held, training, write_run
from .terminal import ESCAPE, Terminal, app_in_terminal
from .test_inspector import Answers

Maker = Callable[..., FmnistApp]
SIZES = ((80, 24), (120, 36), (60, 18), (200, 50))


async def send_bursts(app: FmnistApp, pilot: AnyPilot, chance: random.Random, count: int) -> list[str]:
    """Bursts of random things; between two of them the app may get its breath back, or not."""
    sent: list[str] = []
    for _ in range(count):
        if not app.is_running:
            break
        sent += [post(app, chance) for _ in range(chance.randrange(2, 12))]
        await asyncio.sleep(chance.choice((0, 0, 0.001, 0.01, 0.05)))
    return sent


@pytest.fixture
def no_training(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys start and steer nothing: there would be a trainer process for each."""
    for name in ("on_training_requested", "on_resume_requested", "on_command_requested"):
        monkeypatch.setattr(RunControl, name, lambda _, message: None)


async def answers(app: FmnistApp) -> bool:
    """Whether the app handles messages, or has ended."""
    heard = asyncio.Event()
    app.call_later(heard.set)
    end = time.monotonic() + 60
    while app.is_running and not app.is_leaving and not heard.is_set() and time.monotonic() < end:
        await asyncio.sleep(0.01)
    return heard.is_set() or not app.is_running or app.is_leaving


async def fuzz(make_app: Maker, runs: Path, seed: int, bursts: int) -> None:
    """Sends bursts to an app with a live run, an interrupted one and finished ones; it restarts where it was left."""
    chance = random.Random(seed)  # noqa: S311
    live = write_run(runs, "v1", seed=5, log=training("v1", epochs=2))
    for number, version in enumerate(("v0", "v1", "v2", "v3")):
        write_demo_run(runs, version, seed=number, wrong=20 + 10 * number)
    write_run(runs, "v2", seed=6, log=training("v2", epochs=1)).result.unlink()
    done, sent = 0, list[str]()
    with held(live):
        while done < bursts:
            app = make_app()
            app.inspection = Answers()  # type: ignore[assignment]
            try:
                async with app.run_test(size=chance.choice(SIZES), notifications=True) as pilot:
                    if chance.random() < 0.7:
                        await loaded(pilot)
                    while app.is_running and done < bursts:
                        sent = await send_bursts(app, pilot, chance, 10)
                        done += 10
                        assert await answers(app), "the app is frozen"
                    app.exit()
            except BaseException as error:
                error.add_note(f"seed {seed}, burst {done}, sent: {' '.join(sent)}; screens: {app.screen_stack}")
                raise
            assert app.threads.finish(60), "an export is finished, as it is when the app is left"
            assert app.return_code in (0, None), f"seed {seed}: {' '.join(sent)}"
            assert app._exception is None


@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (0, 2))])
@pytest.mark.usefixtures("no_training", "every_frame")
async def test_bursts_of_anything_crash_nothing(
    make_app: Maker, runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.chdir(tmp_path)
    await fuzz(make_app, runs, seed, bursts=60)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", range(100, 110))
@pytest.mark.usefixtures("no_training", "every_frame")
async def test_thousands_of_bursts_crash_nothing(
    make_app: Maker, runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.chdir(tmp_path)
    await fuzz(make_app, runs, seed, bursts=500)


DIALOGS: dict[str, Sequence[str]] = {
    "a run's label": ("4", "r", "l"),
    "jump to an image": ("1", "j"),
    "delete?": ("4", "r", "d"),
    "a list of runs": ("3", "o"),
    "a run to lay behind": ("3", "v"),
    "how to stop": ("3", "s"),
    "the log": ("3", "l"),
    "help": ("question_mark",),
    "an image": ("1", "enter"),
    "the histogram": ("1", "h"),
    "before quitting": ("q",),
    "the palette": ("ctrl+p",),
    "errors": ("4", "w"),
}


@pytest.mark.parametrize(
    "keys",
    [
        ["escape", "escape", "escape"],
        pytest.param(["enter", "enter"], marks=pytest.mark.slow),
        pytest.param(["enter", "escape", "1", "enter"], marks=pytest.mark.slow),
    ],
)
@pytest.mark.usefixtures("no_training")
async def test_a_dialog_is_answered_once(app: FmnistApp, runs: Path, keys: list[str]) -> None:
    write_run(runs, seed=1)
    live = write_run(runs, seed=2, log=training(epochs=1))
    with held(live):
        async with app.run_test() as pilot:
            await loaded(pilot)
            await until(pilot, lambda: app.followed is not None and app.followed.status, "the live run is shown")
            for name, opening in DIALOGS.items():
                for key in opening:
                    await pilot.press(key)
                    await pilot.pause(0.05)
                for key in keys:
                    app.post_message(Key(key, printable(key)))
                await pilot.pause(0.1)
                assert app._exception is None, name
                if not app.is_running:  # an Enter left it
                    return
                await app.action_go("dataset")


async def test_the_mouse_on_a_notification_that_has_just_gone_does_nothing(app: FmnistApp) -> None:
    """It is looked up on the last layout, where the notification still is; Textual asked for its parent's region."""
    async with app.run_test(notifications=True) as pilot:
        await loaded(pilot)
        app.notify("Saved.")
        await until(pilot, lambda: list(app.screen.query(Toast)), "the notification is there")
        toast = app.screen.query(Toast).first()
        await until(pilot, lambda: toast.region.area, "it has a place")
        x, y = toast.region.offset
        await toast.remove()
        assert app.screen.get_widget_at(x, y)[0] is toast
        for kind in (MouseMove, MouseDown, MouseMove, MouseUp):
            app.screen._forward_event(kind(None, x, y, 0, 0, 1, False, False, False, screen_x=x, screen_y=y))


async def test_what_a_closed_dialog_wanted_to_do_after_a_refresh_is_left_undone(app: FmnistApp) -> None:
    """An action runs in the app's task, which is the sender of what it passes on."""
    async with app.run_test() as pilot:
        await loaded(pilot)
        await pilot.press("enter")
        dialog = app.screen
        assert isinstance(dialog, LargeImageDialog)
        await pilot.press("escape")
        await until(pilot, lambda: not dialog.is_attached and not dialog.children, "it is gone")
        app.screen._invoke_later(partial(dialog._show_keys), app)
        await pilot.pause()
    assert app._exception is None


async def test_a_key_of_a_dialog_that_is_not_built_yet_does_nothing(app: FmnistApp) -> None:
    async with app.run_test() as pilot:
        await loaded(pilot)
        dialog = LargeImageDialog(lambda _: pytest.fail("it is not shown"), 1, 0, lambda: pytest.fail("nor drawn"))
        assert not await app.run_action("numbers", dialog)


async def test_keys_of_a_burst_open_a_dialog_once(app: FmnistApp, monkeypatch: pytest.MonkeyPatch) -> None:
    """An even number of question marks may also have closed the help again; so the openings are counted."""
    opened: list[object] = []
    push = app.push_screen

    def push_screen(screen: Screen[Any], *args: Any, **kwargs: Any) -> object:
        opened.append(screen)
        return push(screen, *args, **kwargs)

    monkeypatch.setattr(app, "push_screen", push_screen)
    async with app.run_test() as pilot:
        await loaded(pilot)
        for key in ("j", "question_mark", "h", "ctrl+p"):
            opened.clear()
            for _ in range(4):
                app.post_message(Key(key, None))
            await until(pilot, lambda: bool(opened), f"{key} opens something")
            await pilot.pause(0.1)
            kinds = [type(screen) for screen in app.screen_stack if isinstance(screen, Dialog)]
            assert len(kinds) == len(set(kinds)), shown(app)
            await app.action_go("dataset")


async def test_the_palette_may_be_closed_before_its_widgets_are_there(app: FmnistApp) -> None:
    """It looks for the screen below it; while the app is being left, there may be none."""
    async with app.run_test() as pilot:
        await loaded(pilot)
        app.push_screen(palette := Palette())
        app._screen_stack.remove(palette)
        await pilot.pause(0.1)
    assert app._exception is None


async def test_dialogs_do_not_stack_without_end(app: FmnistApp, runs: Path) -> None:
    """Each is drawn over all those below: sixteen overran Python's stack."""
    running = write_run(runs, seed=2, log=training(epochs=1))
    with held(running):
        async with app.run_test() as pilot:
            await loaded(pilot)
            await until(pilot, lambda: app.running_runs == (running,), "the run is seen")
            for _ in range(10):
                for key in ("ctrl+p", "ctrl+q", "question_mark"):
                    app.post_message(Key(key, printable(key)))
                    await pilot.pause(0.02)
            kinds = [type(screen) for screen in app.screen_stack]
            assert len(kinds) == len(set(kinds))


async def test_an_outdated_size_lays_nothing_out(app: FmnistApp, monkeypatch: pytest.MonkeyPatch) -> None:
    """A screen answers a new size with an event of its own: two sizes that were under way alternated for ever."""
    sizes: list[Size] = []
    resized = Screen._screen_resized

    def note(self: Screen[Any], size: Size) -> None:
        sizes.append(size)
        resized(self, size)

    async with app.run_test() as pilot:
        await loaded(pilot)
        await pilot.press("j")
        monkeypatch.setattr(Screen, "_screen_resized", note)
        for screen in app.screen_stack:
            screen.post_message(Resize(Size(60, 18), Size(60, 18)))
        await pilot.pause(0.1)
        assert Size(60, 18) not in sizes
        await pilot.resize_terminal(60, 18)
        await until(pilot, lambda: Size(60, 18) in sizes, "the app's own size counts")


def leads_home(terminal: Terminal) -> bool:
    """Presses Escape and 1; not in one burst, as both together would be another key."""
    for key in (ESCAPE, b"1"):
        terminal.press(key)
        terminal.sent_in(0.5)
    return "demo, t" in terminal.text()


@pytest.mark.slow
def test_a_burst_in_one_write_crashes_nothing(runs: Path) -> None:
    """As a link that stalled delivers it: keys, a paste in brackets, clicks, all at once."""
    for seed, version in enumerate(("v0", "v1")):
        write_run(runs, version, seed=seed)
    burst = [b"jjj", b"\r\r", b"4vvvl", b"\r\r\r", b"d", b"\r\r", b"3oo", b"\r\r", b"vv", b"\r", b"???", b"\x1b\x1b[Bj"]
    burst += [
        b"\x10\x10",
        b"hel",
        b"\r\r",
        b"\x1b[200~a\nb\x07\x1b[201~",
        b"\x1b[<0;30;5M\x1b[<0;30;5m" * 3,
        b"2\t\t\x1b[A",
    ]
    burst += [b"j\x1b[200~" + b"9" * 100_000 + b"\x1b[201~", b"1234" * 10, b"4www", b"\x1b" * 3 + b"j"]
    with app_in_terminal(runs) as terminal:
        for chance in range(3):
            random.Random(chance).shuffle(burst)  # noqa: S311
            terminal.burst(b"".join(burst))
            terminal.sent_in(1.0)
        assert terminal.process.poll() is None, terminal.text()
        assert b"Traceback" not in terminal.sent
        wait_until(lambda: leads_home(terminal), "the app hears a key again")


async def test_a_page_in_a_list_that_is_not_laid_out_yet_is_no_page(app: FmnistApp) -> None:
    """Textual looked up its line, which it doesn't know before the list has a size, and the app ended."""
    async with app.run_test() as pilot:
        await loaded(pilot)
        await pilot.press("2")
        await pilot.pause()
        choices = app.screen.query_one(Select).query_one(OptionList)
        choices.highlighted = 1
        for action in ("page_up", "page_down"):
            assert not await app.run_action(action, choices), "the list isn't open"
