"""What is around the images: the list of classes, the introduction, and what takes their place while they load."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget
from textual.widgets import OptionList, Static

from fmnist_tui.text import grouped
from fmnist_tui.tui.cells import cells, distinct, pad
from fmnist_tui.tui.keys import Remappable
from fmnist_tui.tui.messages import DatasetCancelRequested, DatasetRequested
from fmnist_tui.tui.widgets.bars import ProgressLine
from fmnist_tui.tui.widgets.choices import Choices

if TYPE_CHECKING:
    from fmnist_tui.data import Progress

_NAME = 11
_GAP = 2
"""Cells between an image and the name beside it."""
_LEAST_ROWS, _MOST_ROWS = 3, 7
"""Lines of a class with its image: a smaller image can't be recognised, a larger one shows no more."""


class ClassList(Remappable, Choices):
    """All classes together, then each with its mean image where there is room; Enter moves to the images."""

    BINDINGS = [Binding("enter,right,escape", "select", "To the images")]

    def show(
        self,
        names: Sequence[str],
        counts: Sequence[int],
        label: int | None,
        pictures: Sequence[Sequence[Text]],
    ) -> None:
        """Shows the classes, and highlights the class `label`, or "all classes" if it is None.

        Args:
            names: Their names.
            counts: The number of images of each.
            label: The class to highlight.
            pictures: The lines of each mean image; empty for none.
        """
        options = [_line("all classes", sum(counts))]
        for index, (name, count) in enumerate(zip(distinct(tuple(names), _NAME), counts, strict=True)):
            options.append(_beside(pictures[index], name, count) if pictures else _line(name, count))
        with self.prevent(OptionList.OptionHighlighted):
            self.clear_options()
            self.add_options(options)
            self.highlighted = 0 if label is None else label + 1


def picture_rows(space: Size, names: Sequence[str]) -> int:
    """How many lines each class can have in a list of this size, with its name; 0 if its image would be too small."""
    beside = space.width - _GAP - min(_NAME, max(map(cells, names), default=0))
    rows = min((space.height - 1) // max(1, len(names)), beside // 2, _MOST_ROWS)
    return rows if rows >= _LEAST_ROWS else 0


def _line(name: str, count: int) -> Text:
    return Text.assemble(pad(name, _NAME), (f"{grouped(count):>7}", "dim"), no_wrap=True, overflow="crop")


def _beside(picture: Sequence[Text], name: str, count: int) -> Text:
    """The lines of the picture, with the name beside the middle and the count below it."""
    middle = (len(picture) - 1) // 2
    beside = {middle: Text(f"{' ' * _GAP}{name}"), middle + 1: Text(f"{' ' * _GAP}{grouped(count)}", style="dim")}
    lines = [line + beside.get(number, Text()) for number, line in enumerate(picture)]
    text = Text("\n", no_wrap=True, overflow="crop").join(lines)
    text.no_wrap, text.overflow = True, "crop"
    return text


_KEY = "bold $accent"
_WHAT = (
    "Train small image classifiers in this terminal and compare them honestly, from a dense network written by hand "
    "(v0) to a regularised CNN (v3)."
)
_STEPS = (("2", "choose a model"), ("t", "train it"), ("3", "watch it learn"), ("4", "results"))
_PREFIX = "First model:  "
_TIME = "    v0 takes about 2 min on two CPUs"
_ROOM = 72
"""Cells that the keys need with their prefix."""
_WIDE = 92
"""Cells that they need with the time."""


class Introduction(Widget):
    """What the program is, and four keys to the first model."""

    DEFAULT_CSS = "Introduction { height: 5; display: none; }"

    def on_mount(self) -> None:
        """Names the panel."""
        self.border_title = "Your first model"
        self.border_subtitle = "esc hides this"

    def render(self) -> Content:
        """The text that fits; where there is no room for a frame, only the keys."""
        return introduction(self.size.width, brief=self.size.height == 1)


def introduction(width: int, *, brief: bool) -> Content:
    """What the program is and the keys; only the keys, in a line, if `brief`."""
    steps = Content("  ").join([Content.assemble((key, _KEY), f" {step}") for key, step in _STEPS])
    if brief:
        return Content.assemble((_PREFIX if width >= _ROOM else "", "bold"), steps)
    return Content("\n").join([Content(_WHAT), Content.assemble(steps, (_TIME if width >= _WIDE else "", "dim"))])


_MEGABYTE = 1e6


class Waiting(Remappable, VerticalScroll, inherit_bindings=False):
    """A text, a bar while images load, and the keys that cancel it or try again."""

    DEFAULT_CSS = """
    Waiting { padding: 1 2; }
    Waiting ProgressLine { margin-top: 1; }
    Waiting #advice { margin-top: 1; color: $text-muted; }
    """
    BINDINGS = [
        Binding("escape", "cancel", "Cancel", tooltip="Cancel the loading of the images"),
        Binding("r", "load", "Try again", tooltip="Load the images again"),
        Binding("d", "demo", "Demo images", tooltip="Use images drawn by this program, also for training"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._actions = {"cancel"}

    def compose(self) -> ComposeResult:
        """What is loading, a bar, and what the user can do."""
        yield Static(id="text")
        yield ProgressLine()
        yield Static(id="advice")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002 - Textual's name
        """Offers to cancel while images load, and to try again when they don't."""
        return action in self._actions or action not in ("cancel", "load", "demo")

    def show_progress(self, progress: Progress | None) -> None:
        """Shows how far the current step is; None where that is unknown."""
        self._show_text(
            f"{progress.what if progress else 'Loading the images'} ...", _advice_while_loading(progress), {"cancel"}
        )
        line = self.query_one(ProgressLine)
        line.display = bool(progress and progress.done)
        if progress:
            line.show(progress.done / progress.total if progress.total else 0.0, _megabytes(progress), "")

    def show_fault(self, fault: str, *, may_take_demo: bool) -> None:
        """Shows why there are no images, and what to do."""
        demo = ", d uses images drawn by this program" if may_take_demo else ""
        advice = f"r tries again{demo}. Runs and results can be viewed without images."
        self._show_text(fault, advice, {"load", "demo"} if may_take_demo else {"load"})
        self.query_one(ProgressLine).display = False

    def action_cancel(self) -> None:
        """Cancels the loading."""
        self.post_message(DatasetCancelRequested())

    def action_load(self) -> None:
        """Tries to load the images again."""
        self.post_message(DatasetRequested(demo=False))

    def action_demo(self) -> None:
        """Uses the demo set."""
        self.post_message(DatasetRequested(demo=True))

    def _show_text(self, text: str, advice: str, actions: set[str]) -> None:
        self.query_one("#text", Static).update(Text(text))
        self.query_one("#advice", Static).update(Text(advice))
        if actions != self._actions:
            self._actions = actions
            self.refresh_bindings()


def _advice_while_loading(progress: Progress | None) -> str:
    once = (
        "Needed only once; later starts take the images from the cache. Other screens work meanwhile. escape cancels."
    )
    return once if progress else ""


def _megabytes(progress: Progress) -> str:
    done = f"{progress.done / _MEGABYTE:.1f}"
    return f"{done} of {progress.total / _MEGABYTE:.1f} MB" if progress.total else f"{done} MB"
