"""Screen 2: the versions, their story, and the form that trains them."""

from __future__ import annotations

from functools import partial

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.widgets import Button, OptionList, Static

from fmnist_tui.data import Dataset
from fmnist_tui.models.catalogue import VERSION_NAMES, VERSIONS, Version
from fmnist_tui.training.augment import flips
from fmnist_tui.training.config import ConfigError, TrainingConfig
from fmnist_tui.training.task import settled
from fmnist_tui.tui.base_screens import LabScreen
from fmnist_tui.tui.dialogs.choice import CANCEL, ChoiceDialog
from fmnist_tui.tui.messages import SettingsChanged, TrainingRequested
from fmnist_tui.tui.models.forecast import Known, forecast, look_around, uncounted
from fmnist_tui.tui.models.form import TrainForm
from fmnist_tui.tui.models.model_page import story
from fmnist_tui.tui.run_monitor import RunsState
from fmnist_tui.tui.settings import Settings
from fmnist_tui.tui.widgets.key_line import KeyLine
from fmnist_tui.tui.widgets.nav import Nav


class ModelsScreen(LabScreen):
    """Versions and the form to the left, the chosen one's story to the right."""

    CSS_PATH = "models.tcss"
    BINDINGS = [
        Binding("t", "train", "Train", tooltip="Train the marked versions, or the chosen one, with the form's values"),
        Binding("space", "mark", "Mark", tooltip="Mark the chosen version, to train several together"),
        Binding("escape", "leave_field", "To the versions", tooltip="From the form back to the versions", show=False),
    ]
    AUTO_FOCUS = "#versions"

    def __init__(self) -> None:
        super().__init__()
        self._marked: set[str] = set()
        self._known = Known()
        self._form_is_due = False
        self._looked_at: RunsState | None = None

    def compose(self) -> ComposeResult:
        """The layout."""
        yield Nav("models")
        with Horizontal():
            with Vertical(id="left"):
                yield OptionList(*map(self._line, VERSIONS), id="versions")
                with VerticalScroll(can_focus=False):
                    yield TrainForm(self.app.settings.form, in_app=self.app.in_app)
                with Horizontal(id="buttons"):
                    yield Button("Train", id="one", variant="primary", compact=True)
                    yield Button("Train all four", id="all", compact=True)
                yield Static(id="forecast")
                yield Static(id="fault")
            with VerticalScroll(id="right"):
                yield Static(id="story")
        yield KeyLine()

    def on_mount(self) -> None:
        """Starts with v0."""
        self.query_one("#versions", OptionList).highlighted = 0
        self.watch_app("runs_state", self._look_around)
        self.watch_app("late_settings", self._fill_form)
        self.watch(self.app, "dataset", self._show, init=False)

    def on_screen_resume(self) -> None:
        """Runs may have ended since the last look."""
        self._look_around(self.app.runs_state)

    def _look_around(self, seen: RunsState) -> None:
        """Ended runs tell what is reached, and how long it takes."""
        if self.is_current and (self._looked_at is None or seen.differs_from(self._looked_at)):
            self._looked_at = seen
            records = seen.records if seen.complete else []
            work = partial(look_around, records, self._known, self._take_known)
            self.app.threads.start(work, lane="forecast", only_newest=True)

    def _fill_form(self, choices: Settings | None) -> None:
        if choices:
            self.query_one(TrainForm).fill(choices.form)

    def on_resize(self) -> None:
        """The layer table takes the room that there is."""
        self.call_after_refresh(self._show)

    def on_option_list_option_highlighted(self) -> None:
        """Another version, told from its start."""
        self.query_one("#right", VerticalScroll).scroll_home(animate=False)
        self._show()

    def on_option_list_option_selected(self) -> None:
        """Enter marks, as the space bar does."""
        self.action_mark()

    def on_train_form_changed(self) -> None:
        """Another recipe, maybe; a form that has just come tells of all its fields at once."""
        if not self._form_is_due:
            self._form_is_due = True
            self.call_after_refresh(self._show_form)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """What the button says."""
        self._request(list(VERSION_NAMES) if event.button.id == "all" else self._to_train())

    def on_input_submitted(self) -> None:
        """Enter in a field takes its value: hours of training begin by a key of their own."""
        self.action_leave_field()

    def action_train(self) -> None:
        """Trains the marked versions, or the one that is shown."""
        self._request(self._to_train())

    def action_mark(self) -> None:
        """Marks the version, or takes its mark away."""
        self._marked ^= {self._version().name}
        versions = self.query_one("#versions", OptionList)
        for index, known in enumerate(VERSIONS):
            versions.replace_option_prompt_at_index(index, self._line(known))
        self._show_form()

    def action_leave_field(self) -> None:
        """Back to the versions, where keys are keys again."""
        self.query_one("#versions").focus()

    def _request(self, versions: list[str]) -> None:
        form, fault = self.query_one(TrainForm), self.query_one("#fault", Static)
        try:
            configs = form.configs(versions)
        except ConfigError as error:
            fault.update(Text(str(error)))
            return
        fault.update("")
        self.post_message(SettingsChanged(form=form.values))
        request = TrainingRequested(configs, in_app=form.in_app)
        if len(configs) == 1:
            self.post_message(request)
        else:
            self.app.push_screen(self._question(configs), partial(self._train, request))

    def _train(self, request: TrainingRequested, answer: str | None) -> None:
        if answer:
            self.post_message(request)

    def _question(self, configs: list[TrainingConfig]) -> ChoiceDialog:
        """Several runs may take hours."""
        versions = " ".join(dict.fromkeys(config.version for config in configs))
        question = f"Train {versions}: {len(configs)} runs, one after the other?"
        return ChoiceDialog(question, {"train": "Train", CANCEL: "Cancel"}, self._forecast(configs))

    def _forecast(self, configs: list[TrainingConfig]) -> str:
        dataset = self.app.dataset
        lines = forecast(configs, self._known, len(dataset.train) if dataset else None), uncounted(configs)
        return ". ".join(filter(None, lines))

    def _to_train(self) -> list[str]:
        return [name for name in VERSION_NAMES if name in self._marked] or [self._version().name]

    def _version(self) -> Version:
        return VERSIONS[self.query_one("#versions", OptionList).highlighted or 0]

    def _line(self, known: Version) -> Text:
        return Text(f"{'*' if known.name in self._marked else ' '}{known.name} {known.title}")

    def _take_known(self, known: Known) -> None:
        """From a thread."""
        self.call_later(self._use_known, known)

    def _use_known(self, known: Known) -> None:
        self._known = known
        self._show()

    def _show(self) -> None:
        chosen, width = self._version(), self.query_one("#right").size.width
        self.query_one("#story", Static).update(story(chosen, width, self._known.comparisons, self.app.dataset))
        self._show_form()

    def _show_form(self) -> None:
        self._form_is_due = False
        form, chosen = self.query_one(TrainForm), self._to_train()
        form.show_versions(chosen)
        one = f"Train {chosen[0]}" if len(chosen) == 1 else f"Train {len(chosen)} marked"
        self.query_one("#one", Button).label = one
        try:
            configs = form.configs(chosen)
        except ConfigError:
            configs = []
        words = self._forecast(configs) if configs else ""
        form.show_flips(_flips(configs, self.app.dataset))
        self.query_one("#forecast", Static).update(Text(words))


def _flips(configs: list[TrainingConfig], dataset: Dataset | None) -> bool | None:
    """Whether any of these trainings flips images; None before the data is there."""
    if dataset is None:
        return None
    return any(flips(settled(config, dataset).hyperparameters.augment) for config in configs)
