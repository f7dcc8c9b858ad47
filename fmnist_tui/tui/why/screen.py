"""Screen 5: why CNNs, the original project's claims as charts with their verdicts."""

from __future__ import annotations

import threading
from functools import partial

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Grid, Horizontal, Vertical, VerticalScroll
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from fmnist_tui.training.recipes import RECIPES
from fmnist_tui.tui.base_screens import LabScreen
from fmnist_tui.tui.runs_state import RunsState
from fmnist_tui.tui.why.claim_chart import ClaimChart, Panel
from fmnist_tui.tui.why.figures import figures
from fmnist_tui.tui.why.measuring import ClaimsLoaded, MeasureProgress, Work, load_claims, measure
from fmnist_tui.tui.why.pages import Page
from fmnist_tui.tui.why.texts import details, list_line, overview, panel_title, sentence, source, tally
from fmnist_tui.tui.widgets.bars import ProgressLine
from fmnist_tui.tui.widgets.choices import Choices
from fmnist_tui.tui.widgets.key_line import KeyLine
from fmnist_tui.tui.widgets.nav import Nav

_ALL = -1
"""What is chosen where all claims are shown at a glance."""
_AT_A_GLANCE = (0, 1, 2, 5)
"""The claims whose charts are shown then: spatial awareness, efficiency, translation, regularisation."""
_ROOM_FOR_ALL = (112, 34)
"""Columns and rows for that."""
_ROOM_FOR_LIST = 80
_FRAME = 4
"""Cells of a panel's borders and padding."""
_ROWS_A_CLAIM = 34
"""Rows of a terminal in whose list each claim has two lines."""


class WhyScreen(LabScreen):
    """A list of claims, and the chart of one of them, or of the most important ones at a glance."""

    CSS_PATH = "why.tcss"
    BINDINGS = [
        Binding("left", "next_claim(-1)", "Previous", priority=True, tooltip="The previous claim"),
        Binding("right", "next_claim(1)", "Next", priority=True, tooltip="The next claim"),
        Binding("c", "other_recipe", "Recipe", tooltip="Runs of the other recipe: tuned or origin"),
        Binding("m", "measure", "Measure", tooltip="Measure what is missing on your runs, the quick analyses first"),
        Binding("escape", "stop", "Stop", tooltip="Stop measuring; finished analyses stay saved"),
    ]
    AUTO_FOCUS = "#claims"

    def __init__(self) -> None:
        super().__init__()
        self._stop = threading.Event()
        self._measuring = False
        self._taken: RunsState | None = None
        self._pages: tuple[Page, ...] = ()
        self._work = Work()
        self._recipe = ""
        self._chosen: int | None = None
        self._listed: list[Text] = []

    def compose(self) -> ComposeResult:
        """The list; right of it the charts, and below them the numbers."""
        yield Nav("why")
        with Horizontal():
            claims = Choices(id="claims", classes="panel")
            claims.border_title = "Claims"
            yield claims
            with Vertical():
                with Grid(id="glance"):
                    for index in _AT_A_GLANCE:
                        yield ClaimChart(id=f"claim_{index}")
                yield ClaimChart(id="claim")
                with VerticalScroll(id="numbers", classes="panel") as numbers:
                    numbers.border_title = "Numbers and method"
                    yield Static(id="details")
        yield ProgressLine(id="progress")
        yield KeyLine()

    def on_mount(self) -> None:
        """Shows the reference runs at once, and the user's as soon as they are read."""
        self.watch(self.app, "theme", self._show, init=False)
        self.watch_app("runs_state", self._take_runs)

    def on_unmount(self) -> None:
        """Stops measuring when the app ends."""
        self._stop.set()

    def on_screen_resume(self) -> None:
        """Runs may have changed while the screen wasn't shown."""
        self.app.monitor.look(thorough=True)
        self._take_runs(self.app.runs_state)

    def on_resize(self) -> None:
        """There may be room for all charts at a glance, or no longer."""
        self._show()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002 - Textual's name
        """Measuring is offered where something can be measured, and stopping it while it is going on."""
        if action == "measure":
            return bool(self._work.count) and not self._measuring
        return action != "stop" or self._measuring

    def offers(self, action: str) -> bool:
        """Whether the key line shows a key: where the list is shown, its own keys are enough."""
        return not (action.startswith("next_claim") and self.size.width >= _ROOM_FOR_LIST)

    def action_next_claim(self, by: int) -> None:
        """Shows the next claim, or the previous one."""
        if self._pages:
            first = _ALL if self._has_room_for_all else 0
            self._choose(min(max(self._index + by, first), len(self._page.claims) - 1))

    def action_other_recipe(self) -> None:
        """Switches between the recipes tuned and origin."""
        if self._pages:
            self._recipe = RECIPES[1 - RECIPES.index(self._recipe)]
            self._choose(self._index)

    def action_measure(self) -> None:
        """Computes what is missing, in a thread."""
        if self._taken is None:
            return
        self._stop = threading.Event()
        self._set_measuring(now=True)
        records = self._taken.records
        self.app.threads.start(
            partial(measure, self.app.folders, records, self.post_message, self._stop), must_finish=True
        )

    def action_stop(self) -> None:
        """Stops measuring, within a batch of images."""
        self._stop.set()
        self.query_one(ProgressLine).show(0.0, "stopping ...", "")

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Shows the claim under the cursor."""
        index = int(event.option_id or 0)
        if index != self._index:
            self._choose(index)

    def on_claims_loaded(self, message: ClaimsLoaded) -> None:
        """Shows the claims; first under the recipe that the user has runs of."""
        self._pages, self._work = message.pages, message.work
        self._recipe = self._recipe or next((page.recipe for page in self._pages if page.own.found), RECIPES[0])
        self.refresh_bindings()
        self._show()

    def on_measure_progress(self, message: MeasureProgress) -> None:
        """Shows the progress."""
        if self._measuring and not self._stop.is_set():
            self.query_one(ProgressLine).show(message.fraction, message.step, self.app.current_theme.primary)

    def on_measuring_ended(self) -> None:
        """Offers measuring again."""
        self._set_measuring(now=False)

    @property
    def _page(self) -> Page:
        return next(page for page in self._pages if page.recipe == self._recipe)

    @property
    def _has_room_for_all(self) -> bool:
        return self.size.width >= _ROOM_FOR_ALL[0] and self.size.height >= _ROOM_FOR_ALL[1]

    @property
    def _index(self) -> int:
        """The claim that is shown, or `_ALL`."""
        if self._chosen is None or self._chosen == _ALL:
            return _ALL if self._has_room_for_all else 0
        return self._chosen

    def _choose(self, index: int) -> None:
        self._chosen = index
        self.query_one("#numbers").scroll_home(animate=False)
        self._show()

    def _show(self) -> None:
        """Everything: the list, the chart or charts, the numbers."""
        if not self._pages:
            return
        page, index, theme = self._page, self._index, self.app.current_theme
        claims, drawn = page.claims, figures(page, theme)
        self._show_list()
        self.query_one("#glance").display = index == _ALL
        large = self.query_one("#claim", ClaimChart)
        large.display = index != _ALL
        if index == _ALL:
            for one in _AT_A_GLANCE:
                chart = self.query_one(f"#claim_{one}", ClaimChart)
                chart.panel = Panel(panel_title(claims[one], theme), source(claims[one]), figures=drawn[one])
            text = overview(page, self._work, theme)
        else:
            shown, charts = claims[index], drawn[index]
            title, where = panel_title(shown, theme), source(shown) if charts else ""
            large.panel = Panel(title, where, sentence(shown.claim, with_reason=not charts), charts)
            text = details(shown, page, self._work, theme)
        self.query_one("#details", Static).update(text)
        self.query_one("#numbers").display = index == _ALL or bool(drawn[index])

    @property
    def _list_width(self) -> int:
        """Cells of a line in the list, which may not be laid out yet: see why.tcss."""
        is_bare = self.has_class("-compact") or self.has_class("-small")
        return (30 if self.has_class("-wide") else 25) - (0 if is_bare else _FRAME)

    def _show_list(self) -> None:
        """The claims, each with its verdict where there is room; unchanged ones aren't drawn again."""
        theme = self.app.current_theme
        tall, width = self.size.height >= _ROWS_A_CLAIM, self._list_width
        lines = [list_line(shown, theme, width, with_verdict=tall) for shown in self._page.claims]
        glance = Text.assemble("All at a glance\n", tally(self._page, theme, in_words=False))
        first = [glance] if self._has_room_for_all else []
        claims = self.query_one("#claims", Choices)
        claims.border_subtitle = f"{self._recipe} · c: {RECIPES[1 - RECIPES.index(self._recipe)]}"
        claims.display = self.size.width >= _ROOM_FOR_LIST
        if self._listed != first + lines:
            self._listed = first + lines
            claims.clear_options()
            claims.add_options(
                Option(line, id=str(index)) for index, line in enumerate(self._listed, start=-len(first))
            )
        claims.highlighted = self._index + len(first)
        if not claims.display:
            self.query_one("#numbers").focus()

    def _set_measuring(self, *, now: bool) -> None:
        self._measuring = now
        self.query_one(ProgressLine).show(0.0, "starting (escape stops it)", "")
        self.set_class(now, "-computing")
        self.refresh_bindings()

    def _take_runs(self, state: RunsState) -> None:
        """Checks the claims again if the runs have changed and the screen is shown."""
        is_same = self._taken and (not state.complete or not state.differs_from(self._taken))
        if not self.is_current or is_same:
            return
        self._taken = state
        records = state.records if state.complete else []
        work = partial(load_claims, records, self.post_message)
        self.call_after_refresh(partial(self.app.threads.start, work, lane="claims", only_newest=True))
