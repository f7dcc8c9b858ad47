"""Screen 2: the models, a page about the highlighted one, and the form that trains them."""

from __future__ import annotations

from functools import partial

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.widgets import Button, Static

from fmnist_tui.data import Dataset
from fmnist_tui.models.registry import BUILT_IN, all_models
from fmnist_tui.models.spec import ModelSpec
from fmnist_tui.training.augment import flips
from fmnist_tui.training.config import ConfigError, TrainingConfig
from fmnist_tui.training.task import settled
from fmnist_tui.tui.base_screens import LabScreen
from fmnist_tui.tui.dialogs.choice import CANCEL, ChoiceDialog
from fmnist_tui.tui.messages import SettingsChanged, TrainingRequested
from fmnist_tui.tui.models.forecast import Known, exclusion, forecast, load_known
from fmnist_tui.tui.models.form import TrainForm
from fmnist_tui.tui.models.model_page import model_page
from fmnist_tui.tui.run_monitor import RunsState
from fmnist_tui.tui.settings import Settings
from fmnist_tui.tui.widgets.choices import Choices
from fmnist_tui.tui.widgets.key_line import KeyLine
from fmnist_tui.tui.widgets.nav import Nav


class ModelsScreen(LabScreen):
    """Models and the form on the left, the highlighted model's page on the right."""

    CSS_PATH = "models.tcss"
    BINDINGS = [
        Binding(
            "t", "train", "Train", tooltip="Train the marked models, or the highlighted one, with the form's values"
        ),
        Binding("space", "mark", "Mark", tooltip="Mark the highlighted model, to train several together"),
        Binding("escape", "leave_field", "To the models", tooltip="From the form back to the models", show=False),
    ]
    AUTO_FOCUS = "#versions"

    def __init__(self) -> None:
        super().__init__()
        self._marked: set[str] = set()
        self._known = Known()
        self._form_is_due = False
        self._looked_at: RunsState | None = None

    def compose(self) -> ComposeResult:
        """List, form, buttons and forecast on the left, the page on the right."""
        yield Nav("models")
        with Horizontal():
            with Vertical(id="left"):
                yield Choices(*map(self._line, all_models()), id="versions")
                with VerticalScroll(can_focus=False):
                    yield TrainForm(self.app.settings.form, in_app=self.app.in_app)
                with Horizontal(id="buttons"):
                    yield Button("Train", id="one", variant="primary", compact=True)
                    yield Button("Train all", id="all", compact=True, tooltip="Train all built-in models")
                yield Static(id="forecast")
                yield Static(id="fault")
            with VerticalScroll(id="right"):
                yield Static(id="story")
        yield KeyLine()

    def on_mount(self) -> None:
        """Highlight the first model."""
        self.query_one("#versions", Choices).highlighted = 0
        self.watch_app("runs_state", self._look_around)
        self.watch_app("late_settings", self._fill_form)
        self.watch(self.app, "dataset", self._show, init=False)

    def on_screen_resume(self) -> None:
        """Runs may have ended meanwhile."""
        self._look_around(self.app.runs_state)

    def _look_around(self, seen: RunsState) -> None:
        """Finished runs show what is reached, and how long it takes."""
        if self.is_current and (self._looked_at is None or seen.differs_from(self._looked_at)):
            self._looked_at = seen
            records = seen.records if seen.complete else []
            work = partial(load_known, records, self._known, self._take_known)
            self.app.threads.start(work, lane="forecast", only_newest=True)

    def _fill_form(self, choices: Settings | None) -> None:
        if choices:
            self.query_one(TrainForm).fill(choices.form)

    def on_resize(self) -> None:
        """The layer table depends on the width."""
        self.call_after_refresh(self._show)

    def on_option_list_option_highlighted(self) -> None:
        """Show the highlighted model's page from its top."""
        self.query_one("#right", VerticalScroll).scroll_home(animate=False)
        self._show()

    def on_option_list_option_selected(self) -> None:
        """Enter marks, as the space bar does."""
        self.action_mark()

    def on_train_form_changed(self) -> None:
        """Show what the form implies, once for several changes: a new form reports each of its fields."""
        if not self._form_is_due:
            self._form_is_due = True
            self.call_after_refresh(self._show_form)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Train all built-in models, or the marked ones."""
        self._request(list(BUILT_IN) if event.button.id == "all" else self._to_train())

    def on_input_submitted(self) -> None:
        """Enter in a field leaves it, and starts no training by accident."""
        self.action_leave_field()

    def action_train(self) -> None:
        """Train the marked models, or the highlighted one."""
        self._request(self._to_train())

    def action_mark(self) -> None:
        """Mark the highlighted model, or unmark it."""
        self._marked ^= {self._model().name}
        models = self.query_one("#versions", Choices)
        for index, model in enumerate(all_models()):
            models.replace_option_prompt_at_index(index, self._line(model))
        self._show_form()

    def action_leave_field(self) -> None:
        """Back to the list of models, where keys are commands again."""
        self.query_one("#versions").focus()

    def _request(self, models: list[str]) -> None:
        form, fault = self.query_one(TrainForm), self.query_one("#fault", Static)
        try:
            configs = form.configs(models)
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
        models = " ".join(dict.fromkeys(config.version for config in configs))
        question = f"Train {models}: {len(configs)} runs, one after the other?"
        return ChoiceDialog(question, {"train": "Train", CANCEL: "Cancel"}, self._forecast(configs))

    def _forecast(self, configs: list[TrainingConfig]) -> str:
        dataset = self.app.dataset
        lines = forecast(configs, self._known, len(dataset.train) if dataset else None), exclusion(configs)
        return ". ".join(filter(None, lines))

    def _to_train(self) -> list[str]:
        return [model.name for model in all_models() if model.name in self._marked] or [self._model().name]

    def _model(self) -> ModelSpec:
        return all_models()[self.query_one("#versions", Choices).highlighted or 0]

    def _line(self, model: ModelSpec) -> Text:
        return Text(f"{'*' if model.name in self._marked else ' '}{model.name} {model.title}")

    def _take_known(self, known: Known) -> None:
        """From a thread."""
        self.call_later(self._use_known, known)

    def _use_known(self, known: Known) -> None:
        self._known = known
        self._show()

    def _show(self) -> None:
        model, width = self._model(), self.query_one("#right").size.width
        self.query_one("#story", Static).update(model_page(model, width, self._known.comparisons, self.app.dataset))
        self._show_form()

    def _show_form(self) -> None:
        self._form_is_due = False
        form, chosen = self.query_one(TrainForm), self._to_train()
        form.show_recipe(chosen)
        one = f"Train {chosen[0]}" if len(chosen) == 1 else f"Train {len(chosen)} marked"
        self.query_one("#one", Button).label = one
        try:
            configs = form.configs(chosen)
        except ConfigError:
            configs = []
        text = self._forecast(configs) if configs else ""
        form.show_flips(_flips(configs, self.app.dataset))
        self.query_one("#forecast", Static).update(Text(text))


def _flips(configs: list[TrainingConfig], dataset: Dataset | None) -> bool | None:
    """Whether any of these trainings flips images; None until the data is loaded."""
    if dataset is None:
        return None
    return any(flips(settled(config, dataset).hyperparameters.augment) for config in configs)
