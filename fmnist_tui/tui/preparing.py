"""The part of the app that makes keys fast: other screens are built while nothing happens, and trainers give way."""

from __future__ import annotations

import gc
import math
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual.events import Event, InputEvent, Paste
from textual.screen import Screen

from fmnist_tui.paths import AppPaths
from fmnist_tui.tui.app_state import LabApp
from fmnist_tui.tui.base_screens import LabScreen

if TYPE_CHECKING:
    from fmnist_tui.runs.priority import GivingWay

_PAUSE_SECONDS = 0.1
"""Between two steps, each of which delays a key that is pressed at this moment."""
_QUIET_SECONDS = 1.0
"""After a key, the next steps wait: another one may follow."""
_ACTIVE_SECONDS = 10.0
"""For so long after a key, trainers give way."""
_LOOK_SECONDS = 1.0


class Preparing(LabApp):
    """Parses style sheets and mounts screens ahead, and lets trainers give way while keys are pressed."""

    def __init__(self, folders: AppPaths, *, pace: float, in_app: bool) -> None:
        super().__init__(folders, pace=pace, in_app=in_app)
        self._steps: Iterator[object] = iter(())
        self._last_input = -math.inf
        self._giving_way: GivingWay | None = None

    def on_ready(self) -> None:
        """Begins to look whether keys are pressed, now that the first screen is painted."""
        self.threads.start(self._let_trainers_give_way)

    def on_unmount(self) -> None:
        """Trainers have their usual share of the CPU again."""
        if self._giving_way is not None:
            self.threads.start(self._giving_way.end, must_finish=True)

    async def on_event(self, event: Event) -> None:
        """Notes when a key was pressed."""
        if isinstance(event, InputEvent | Paste):
            self._last_input = time.monotonic()
        await super().on_event(event)

    def prepare_screens(self) -> None:
        """Begins, once all screens are imported; in tests, each screen is built when it is shown."""
        if not self.is_headless:
            self._steps = self._steps_ahead()
            self._take_step()

    def _let_trainers_give_way(self) -> None:
        from fmnist_tui.runs.priority import GivingWay

        self._giving_way = GivingWay()
        while not self.ending.wait(_LOOK_SECONDS):
            is_active = time.monotonic() - self._last_input < _ACTIVE_SECONDS
            running = self.runs_state.running if is_active else ()
            self._giving_way.update(one.run for one in running if not one.status.waits)

    def _take_step(self) -> None:
        if self.is_leaving:
            return
        if time.monotonic() - self._last_input > _QUIET_SECONDS and next(self._steps, self) is self:
            return
        self.set_timer(_PAUSE_SECONDS, self._take_step, name="prepare")

    def _steps_ahead(self) -> Iterator[object]:
        for path in sorted(Path(__file__).parent.rglob("*.tcss")):
            self._read_styles(path)
            yield path
        for mode, build in self._modes.items():
            if mode not in self._screen_stacks and callable(build):
                screen = build()
                self._load_screen_css(screen)
                self._get_screen(screen)
                self._screen_stacks[mode] = [screen]
                yield mode
                if isinstance(screen, LabScreen):
                    yield from screen.steps_ahead()
                screen._refresh_layout(self.size)
                yield mode
                screen._compositor.render_full_update()  # nobody sees it, but each widget keeps its lines
                yield mode
        gc.collect()
        gc.freeze()  # what is there by now stays: no later collection has to look at it

    def _load_screen_css(self, screen: Screen[Any]) -> None:
        """Reads what is new, and nothing else: its rules name their screen, and a new screen is given today's styles.

        Textual parses everything again, twice at the first visit, and applies it to all widgets of the app.
        """
        for path in screen.css_path:
            self._read_styles(Path(path))
        if not screen.is_attached:
            screen._css_update_count = self._css_update_count

    def _read_styles(self, path: Path) -> None:
        if not self.stylesheet.has_source(str(path)):
            self.stylesheet.read(path)
            self.stylesheet.parse()
