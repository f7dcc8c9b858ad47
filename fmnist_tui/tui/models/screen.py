"""Screen 2: the models, a page about the highlighted one, and the form that trains them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.widgets import Button, Input, Static
from textual.widgets.option_list import Option

from fmnist_tui.analysis.eligibility import Fingerprints
from fmnist_tui.data import Dataset
from fmnist_tui.models.layer_table import LayerTable
from fmnist_tui.models.layers import Options
from fmnist_tui.models.registry import BUILT_IN, all_models
from fmnist_tui.models.spec import FASHION_MNIST_CLASSES, FASHION_MNIST_SHAPE, ImageShape, ModelSpec
from fmnist_tui.training.config import ConfigError, TrainingConfig
from fmnist_tui.training.task import settled
from fmnist_tui.tui.backprop.choosing import first_step
from fmnist_tui.tui.base_screens import LabScreen
from fmnist_tui.tui.dialogs.choice import CANCEL, ChoiceDialog
from fmnist_tui.tui.messages import Failed, SettingsChanged, TrainingRequested
from fmnist_tui.tui.models.forecast import (
    Forecast,
    Known,
    changes,
    exclusion,
    forecast,
    is_long,
    load_known,
    measure_networks,
    measure_variant,
    options_of,
)
from fmnist_tui.tui.models.form import TrainForm
from fmnist_tui.tui.models.model_list import cost_bars, model_line
from fmnist_tui.tui.models.model_page import HUGE, WIDE, ModelPage
from fmnist_tui.tui.models.more_settings import MoreSettings
from fmnist_tui.tui.models.naming import NameModelDialog, check_named, find_models
from fmnist_tui.tui.runs_state import RunsState
from fmnist_tui.tui.settings import Settings
from fmnist_tui.tui.widgets.choices import Choices, Markable
from fmnist_tui.tui.widgets.fitted import Fitted, update_changed
from fmnist_tui.tui.widgets.key_line import KeyLine
from fmnist_tui.tui.widgets.nav import Nav


class ModelsScreen(LabScreen):
    """Models and the form on the left, the highlighted model's page on the right."""

    CSS_PATH = "models.tcss"
    HORIZONTAL_BREAKPOINTS = [(0, "-small"), (80, "-normal"), (WIDE, "-wide"), (HUGE, "-huge")]
    BINDINGS = [
        Binding(
            "t", "train", "Train", tooltip="Train the marked models, or the highlighted one, with the form's values"
        ),
        Binding("n", "name", "Own model", tooltip="Name a model of your own: a class or function in a file or module"),
        Binding("space", "mark", "Mark", tooltip="Mark the highlighted model, to train several together"),
        Binding("m", "more", "More settings", tooltip="All settings: optimiser, schedule, augmentation, the network"),
        Binding("b", "backprop", "Step by step", tooltip="Backpropagation, step by step, in the best run of v0"),
        Binding("escape", "leave_field", "Back to the models", show=False),
        Binding("tab", "app.focus_next", "Settings", tooltip="To the form, its next field, and the model's page"),
    ]
    AUTO_FOCUS = "#versions"

    def __init__(self) -> None:
        super().__init__()
        self._marked: set[str] = set()
        self._known = Known()
        self._form_is_due = False
        self._looked_at: RunsState | None = None
        self._options: dict[str, Options] = {}

    def compose(self) -> ComposeResult:
        """List, form and costs on the left; drawing, facts, layers and recipes on the right."""
        yield Nav("models")
        with Horizontal():
            with Vertical(id="left"):
                models = (Option(model.name) for model in all_models())
                yield Markable(*models, clicks=2, id="versions", classes="panel")
                with Vertical(id="train", classes="panel"):
                    with VerticalScroll(can_focus=False):
                        yield TrainForm(self.app.settings.form, in_app=self.app.in_app)
                    with Vertical(id="buttons"):
                        yield Button("Train", id="one", variant="primary", compact=True)
                        yield Button("   Train all built-in", id="all", compact=True)
                    yield Static(id="forecast")
                    yield Static(id="fault")
                yield Static(id="cost", classes="panel")
            yield ModelPage()
        yield KeyLine()

    def on_mount(self) -> None:
        """Highlight the first model."""
        self.query_one("#cost").border_title = "Cost"
        models = self.query_one("#versions", Choices)
        models.border_title = "Models"
        models.highlighted = 0
        self._known = self._known.of_images(FASHION_MNIST_SHAPE, FASHION_MNIST_CLASSES)
        self.watch_app("runs_state", self._look_around)
        self.watch_app("late_settings", self._fill_form)
        self.watch_app("dataset", self._take_dataset)
        self.app.theme_changed_signal.subscribe(self, lambda _: self._show())

    def on_screen_resume(self) -> None:
        """Runs may have ended meanwhile."""
        self._look_around(self.app.runs_state)
        publish = partial(self.call_later, self._take_dataset, self.app.dataset)
        self.app.threads.start(partial(find_models, publish), lane="find models", only_newest=True)

    def _look_around(self, seen: RunsState) -> None:
        """Finished runs show what is reached, and how long it takes."""
        if self.is_current and (self._looked_at is None or seen.differs_from(self._looked_at)):
            self._looked_at = seen
            records = seen.records if seen.complete else []
            publish = partial(self.call_later, self._learn_runs, self._known.other_data)
            self.app.threads.start(partial(load_known, records, self._known, publish), lane="known", only_newest=True)

    def _take_dataset(self, dataset: Dataset | None) -> None:
        """Looks up the layers for its images, if those are others than before, and shows what it implies."""
        before, known = self._known, self._known.of_data(dataset) if dataset else self._known
        self._known = known
        if known.other_data != before.other_data:
            self._looked_at = None
            self._look_around(self.app.runs_state)
        if known.unmeasured:
            publish = partial(self.call_later, self._learn_networks, known.image_shape, known.classes)
            self.app.threads.start(partial(measure_networks, known, publish), lane="networks", must_finish=True)
        self._show()

    def _fill_form(self, choices: Settings | None) -> None:
        if choices:
            self.query_one(TrainForm).fill(choices.form)

    def on_resize(self) -> None:
        """On a larger screen the page says more."""
        self.call_after_refresh(self._show_page)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002 - Textual's name
        """The page on backpropagation is about networks in NumPy."""
        return action != "backprop" or (self.is_complete and not self._model().needs_torch)

    def on_option_list_option_highlighted(self) -> None:
        """Show the highlighted model's page from its top."""
        self.query_one(ModelPage).scroll_home(animate=False)
        self._show_page()
        self._show_form()
        self.refresh_bindings()

    def on_option_list_option_selected(self) -> None:
        """Enter marks, as the space bar does."""
        self.action_mark()

    def on_markable_marked(self) -> None:
        """A double click marks, too; a single one only shows the model's page."""
        self.action_mark()

    def on_train_form_changed(self) -> None:
        """Show what the form implies, once for several changes: a new form reports each of its fields."""
        if not self._form_is_due:
            self._form_is_due = True
            self.call_after_refresh(self._show)

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
        self._show_list()
        self._show_form()

    async def action_more(self) -> None:
        """Open the further settings, at the first of them, or close them."""
        more = self.query_one(MoreSettings)
        await more.toggle()
        self._make_room(is_needed=more.is_open)
        fields = [field for field in more.query(Input) if field.parent and field.parent.display] if more.is_open else []
        self.set_focus(fields[0] if fields else self.query_one("#versions"))

    def _make_room(self, *, is_needed: bool) -> None:
        """Gives all of the column to the form; not by a class, after which Textual styles every field again."""
        form, cost = self.query_one("#train"), self.query_one("#cost")
        scrolled = form.query_one(VerticalScroll)
        form.styles.height = scrolled.styles.height = "1fr" if is_needed else None
        scrolled.styles.max_height = "100%" if is_needed else None
        cost.styles.display = "none" if is_needed else None

    def steps_ahead(self) -> Iterator[object]:
        """The further settings."""
        return self.query_one(MoreSettings).steps_ahead()

    def action_backprop(self) -> None:
        """Open the page on backpropagation with the best run."""
        request = first_step(self.app.runs_state.records, self.app.dataset)
        if isinstance(request, str):
            self.notify(request, severity="warning", markup=False)
        else:
            self.post_message(request)

    def action_name(self) -> None:
        """Ask for a model of the user's own."""
        self._ask_for_name()

    def _ask_for_name(self, text: str = "", fault: str = "") -> None:
        self.app.push_screen(NameModelDialog(text, fault), self._check_named)

    def _check_named(self, text: str | None) -> None:
        if text is None:
            return
        self.app.notify(f"Checking {text} ...", markup=False, timeout=3)
        images = self._known.image_shape, self._known.classes
        done, failed = partial(self.call_later, self._show_named), partial(self.call_later, self._refuse_named)
        self.app.threads.start(partial(check_named, text, images, done, failed), lane="named")

    def _show_named(self, model: ModelSpec) -> None:
        self._take_dataset(self.app.dataset)
        self.query_one("#versions", Choices).highlighted = all_models().index(model)

    def _refuse_named(self, text: str, fault: str) -> None:
        """Asks again, unless the user is somewhere else."""
        if self.is_current:
            self._ask_for_name(text, fault)
        else:
            self.post_message(Failed(fault))

    def action_leave_field(self) -> None:
        """Back to the list of models, where keys are commands again."""
        self.query_one("#versions").focus()

    def _request(self, models: list[str]) -> None:
        """Starts the runs; asks first if they are several or take over ten minutes."""
        form = self.query_one(TrainForm)
        try:
            configs = form.configs(models)
        except ConfigError as error:
            self._show_line("#fault", str(error))
            return
        self.post_message(SettingsChanged(form=form.values))
        request = TrainingRequested(configs, in_app=form.in_app)
        if len(configs) > 1 or is_long(configs, self._known, self._images):
            self.app.push_screen(self._question(configs), partial(self._train, request))
        else:
            self.post_message(request)

    def _train(self, request: TrainingRequested, answer: str | None) -> None:
        if answer:
            self.post_message(request)

    def _question(self, configs: list[TrainingConfig]) -> ChoiceDialog:
        models = " ".join(dict.fromkeys(config.version for config in configs))
        runs = f": {len(configs)} runs, one after the other" if len(configs) > 1 else ""
        expected = forecast(configs, self._known, self._images)
        time = f" This takes about {expected.rounded}." if expected and expected.rounded else ""
        answers = {"train": "Train", CANCEL: "Cancel"}
        return ChoiceDialog(f"Train {models}{runs}?{time}", answers, _notes(expected, configs))

    @property
    def _images(self) -> int | None:
        """How many training images there are, if the data is loaded."""
        return len(self.app.dataset.train) if self.app.dataset else None

    def _to_train(self) -> list[str]:
        return [model.name for model in all_models() if model.name in self._marked] or [self._model().name]

    def _model(self) -> ModelSpec:
        return all_models()[self.query_one("#versions", Choices).highlighted or 0]

    def _learn(self, **news: Any) -> None:
        self._known = replace(self._known, **news)
        self._show()

    def _learn_runs(self, data: Fingerprints | None, **news: Any) -> None:
        if data == self._known.other_data:
            self._learn(**news)

    def _learn_networks(self, shape: ImageShape, classes: int, **news: Any) -> None:
        if (shape, classes) == (self._known.image_shape, self._known.classes):
            self._learn(**news)

    def _show(self) -> None:
        self._show_list()
        self._show_page()
        self._show_form()

    def _show_list(self) -> None:
        """The models with what is known of them; the costs below."""
        choices, theme = self.query_one("#versions", Choices), self.app.current_theme
        models, recipe = all_models(), self.query_one(TrainForm).recipe
        choices.add_options([Option(model.name) for model in models[choices.option_count :]])
        for index, model in enumerate(models):
            is_marked = model.name in self._marked
            line = Fitted(partial(model_line, model, self._known, recipe, theme, marked=is_marked))
            choices.replace_option_prompt_at_index(index, line)
        choices.border_subtitle = f"test accuracy, {recipe}"
        self.query_one("#cost", Static).update(Fitted(partial(cost_bars, models, self._known, theme)))

    def _show_page(self) -> None:
        recipe, model = self.query_one(TrainForm).recipe, self._model()
        known = self._known.with_options(model.name, self._options.get(model.name, ()))
        self.query_one(ModelPage).show(model, known, self.app.dataset, recipe)

    def _show_form(self) -> None:
        """What the form implies: the recipe's values, changes, duration, faults."""
        self._form_is_due = False
        form, chosen = self.query_one(TrainForm), self._to_train()
        form.show_recipe(chosen)
        fault = ""
        try:
            configs = form.configs(chosen)
        except ConfigError as error:
            configs, fault = [], str(error)
        self._take_options(configs)
        expected = forecast(configs, self._known, self._images)
        what = chosen[0] if len(chosen) == 1 else f"{len(chosen)} marked"
        time = f"  ≈ {expected.rounded}" if expected and expected.rounded else ""
        self.query_one("#one", Button).label = f"t  Train {what}{time}"
        self.query_one("#train").border_title = f"Train {what}"
        form.mark_changes({name for config in configs for name in changes(config)})
        form.show_flips(_flips(configs, self.app.dataset))
        self._show_line("#forecast", _notes(expected, configs))
        self._show_line("#fault", fault)

    def _take_options(self, configs: list[TrainingConfig]) -> None:
        """Measures the networks that the form's settings make of the models, and shows them on the page."""
        options = {config.version: options_of(config) for config in configs}
        if options != self._options:
            self._options = options
            self._show_page()
        for config in configs:
            key = config.version, options_of(config)
            if key[1] and key not in self._known.variants:
                publish = partial(self.call_later, self._learn_variant, key, self._known)
                work = partial(_measure, config.model, key[1], self._known, publish)
                self.app.threads.start(work, lane="variants", only_newest=True)

    def _learn_variant(self, key: tuple[str, Options], known: Known, found: LayerTable | str) -> None:
        if (known.image_shape, known.classes) == (self._known.image_shape, self._known.classes):
            self._learn(variants={**self._known.variants, key: found})

    def _show_line(self, selector: str, text: str) -> None:
        line = self.query_one(selector, Static)
        update_changed(line, text)
        line.set_class(not text, "empty")


def _notes(expected: Forecast | None, configs: list[TrainingConfig]) -> str:
    return ". ".join(filter(None, [exclusion(configs), expected.note if expected else ""]))


def _measure(model: ModelSpec, options: Options, known: Known, publish: Callable[[LayerTable | str], object]) -> None:
    publish(measure_variant(model, options, known))


def _flips(configs: list[TrainingConfig], dataset: Dataset | None) -> bool | None:
    """Whether any of these trainings flips images; None until the data is loaded."""
    if dataset is None:
        return None
    return any(settled(config, dataset).hyperparameters.flip == "on" for config in configs)
