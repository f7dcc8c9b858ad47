from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from leftovers import nothing_left_behind
from pytest_textual_snapshot import SVGImageExtension
from sharing import three_short_epochs
from syrupy.assertion import SnapshotAssertion
from textual import _wait
from textual._compositor import Compositor
from textual._context import visible_screen_stack
from textual.app import App
from textual.css.model import RuleSet
from textual.css.stylesheet import Stylesheet
from textual.widgets import Button

from fmnist_tui.paths import AppPaths
from fmnist_tui.runs import heartbeat
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.tui.app import FmnistApp
from fmnist_tui.tui.settings import Settings, write_settings

from .driving import AnyPilot, listen, shown
from .io_guard import no_files_on_the_screens_thread


@pytest.fixture(scope="session", autouse=True)
def surroundings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A cache and a home of their own, for the trainers that the tests start too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        for name in ("FMNIST_TUI_RUNS", "FMNIST_TUI_DATA", "NO_COLOR"):
            patch.delenv(name, raising=False)
        yield


@pytest.fixture(autouse=True)
def a_busy_machine_makes_no_trainer_unresponsive() -> Iterator[None]:
    """Trainers that are only simulated beat once, and a test may take longer than a trainer may be silent.

    Only while these tests run: those of the runs, which may follow in the same process, are about the real time.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(heartbeat, "STALE_SECONDS", 600.0)
        yield


@pytest.fixture(scope="session", autouse=True)
def style_sheets_are_parsed_once() -> Iterator[None]:
    """Each app parses the same style sheets several times, which took an eighth of these tests' time."""
    parse = Stylesheet._parse_rules
    parsed: dict[tuple[Any, ...], list[RuleSet]] = {}

    def parse_once(sheet: Stylesheet, css: str, *arguments: Any, **options: Any) -> list[RuleSet]:
        key = (css, arguments, *options.items(), frozenset(sheet._variables.items()))
        if key not in parsed:
            parsed[key] = parse(sheet, css, *arguments, **options)
        return parsed[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Stylesheet, "_parse_rules", parse_once)
        patch.setattr(RuleSet, "__hash__", object.__hash__)  # by identity too, without a call of a Python function
        yield


@pytest.fixture(scope="session", autouse=True)
def idle_apps_are_noticed_sooner() -> Iterator[None]:
    """After each key, Pilot watches the process for twice 20 ms whether it still computes: half of that will do."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("SLEEP_GRANULARITY", "SLEEP_IDLE"):
            patch.setattr(_wait, name, getattr(_wait, name) / 2)
        yield


@pytest.fixture(scope="session", autouse=True)
def a_button_can_be_pressed_again_at_once() -> Iterator[None]:
    """Textual ignores a second press within 0.2 s, in which a test on a fast machine gets far."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Button, "_start_active_affect", lambda _: None)
        yield


@pytest.fixture(autouse=True)
def frames_that_nobody_sees_are_not_painted(request: pytest.FixtureRequest) -> Iterator[None]:
    """Paint what a test reads (`shown`, pictures) and the last frame of each app; `every_frame` paints all of them.

    Textual throws frames away where there is no terminal, and painting them took half of these tests' time.
    """
    if "every_frame" in request.fixturenames:
        yield
        return
    paint, shut_down = Compositor.render_update, App._shutdown

    def skip(frame: Compositor, full: bool = False, screen_stack: Any = None, simplify: bool = False) -> Any:
        if full:
            return paint(frame, full, screen_stack, simplify)
        visible_screen_stack.set(screen_stack or [])
        frame._dirty_regions.clear()
        return None

    async def paint_and_shut_down(app: App[Any]) -> None:
        try:
            if app.is_running and app.screen_stack:
                shown(app)
        finally:
            await shut_down(app)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Compositor, "render_update", skip)
        patch.setattr(App, "_shutdown", paint_and_shut_down)
        yield


@pytest.fixture
def every_frame() -> None:
    """For tests of painting itself, and of states in which it must not fail."""


@pytest.fixture(autouse=True)
def nothing_is_left_behind(tmp_path: Path, surroundings: None) -> Iterator[None]:
    """Fails a test that leaves a process or a thread; followers hear after a moment that the app has ended."""
    with nothing_left_behind(tmp_path, patience=5):
        yield


@pytest.fixture(autouse=True)
def files_are_left_to_threads(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Fails a test in which the app reads or writes the runs, its cache or its choices on the screen's thread."""
    with no_files_on_the_screens_thread(tmp_path_factory.getbasetemp()):
        yield


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """A runs folder that doesn't exist yet."""
    return tmp_path / "runs"


@pytest.fixture
def run(runs: Path) -> RunDirectory:
    """A run without any events yet."""
    run = RunDirectory(runs / "v0-20260102-000000-00ff")
    run.path.mkdir(parents=True)
    return run


@pytest.fixture
def make_app(runs: Path, tmp_path: Path) -> Callable[..., FmnistApp]:
    """Builds the app on the test's own folders and the demo set; only a first start shows the introduction."""

    def build(data: str | None = "demo", *, first_start: bool = False, **settings: Any) -> FmnistApp:
        settings_file = tmp_path / "config" / "choices.json"
        if not first_start and not (tmp_path / "config").exists():
            write_settings(settings_file, Settings(introduced=True))
        app = FmnistApp(AppPaths(runs, data, tmp_path / "cache", tmp_path / "config"), **settings)
        app.animation_level = "none"
        listen(app)
        return app

    return build


@pytest.fixture
def app(make_app: Callable[..., FmnistApp]) -> FmnistApp:
    """The app on the test's own folders and the demo set."""
    return make_app()


@pytest.fixture
def looks_right(snapshot: SnapshotAssertion) -> Callable[[AnyPilot, str], Awaitable[None]]:
    """Compares the app with the picture of this name, for tests that look at several pictures of one app."""
    pictures = snapshot.use_extension(SVGImageExtension)

    async def compare(pilot: AnyPilot, name: str) -> None:
        await pilot.wait_for_scheduled_animations()
        await pilot.pause()
        is_same = pictures(name=name) == pilot.app.export_screenshot(title=pilot.app.title, simplify=True)
        assert is_same, f"{name}; to look at it: --snapshot-update, git diff"

    return compare


@pytest.fixture(scope="session")
def finished_v0(tmp_path_factory: pytest.TempPathFactory, surroundings: None) -> RunDirectory:
    """A real run of three short epochs on the demo set; tests look at copies of it."""
    return three_short_epochs(tmp_path_factory)
