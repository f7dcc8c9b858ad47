"""Beside the images: the classes with their counts, and what is shown while images load."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.widgets import OptionList, Static

from fmnist_tui.data import Progress
from fmnist_tui.text import grouped
from fmnist_tui.tui.cells import cut, pad
from fmnist_tui.tui.messages import DatasetUnwanted, DatasetWanted
from fmnist_tui.tui.widgets.bars import ProgressLine, bar

_NAME = 11
_BAR = 8


class ClassList(OptionList):
    """A line for all classes, then one for each; Enter leads to the images."""

    BINDINGS = [Binding("enter,right,escape", "select", "To the images")]

    def show(self, names: Sequence[str], counts: Sequence[int], label: int | None) -> None:
        """Counts and bars; the line of the class `label`, or of all, is highlighted."""
        lines = [f"{'all classes':<{_NAME}}{grouped(sum(counts)):>7}"]
        for name, count in zip(names, counts, strict=True):
            lines.append(f"{pad(cut(name, _NAME), _NAME)}{grouped(count):>7} {bar(count / max(*counts, 1), _BAR)}")
        with self.prevent(OptionList.OptionHighlighted):
            self.clear_options()
            self.add_options([Text(line, no_wrap=True, overflow="crop") for line in lines])
            self.highlighted = 0 if label is None else label + 1


_MEGABYTE = 1e6


class Waiting(VerticalScroll, inherit_bindings=False):
    """A few words, a bar while something is on its way, and the keys that stop it or try again."""

    DEFAULT_CSS = """
    Waiting { padding: 1 2; }
    Waiting ProgressLine { margin-top: 1; }
    Waiting #advice { margin-top: 1; color: $text-muted; }
    """
    BINDINGS = [
        Binding("escape", "stop", "Stop", tooltip="Load the images no further"),
        Binding("r", "load", "Try again", tooltip="Load the images again"),
        Binding("d", "demo", "Demo images", tooltip="Look at images that this program draws, and train on them"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._actions = {"stop"}

    def compose(self) -> ComposeResult:
        """The layout."""
        yield Static(id="words")
        yield ProgressLine("data")
        yield Static(id="advice")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002 - Textual's name
        """Stops what is on its way, tries again what isn't."""
        return action in self._actions or action not in ("stop", "load", "demo")

    def show_progress(self, progress: Progress | None) -> None:
        """How far the step is that is under way; None where nothing is known of it."""
        self._say(f"{progress.what if progress else 'Loading the data'} ...", _while_loading(progress), {"stop"})
        line = self.query_one(ProgressLine)
        line.display = bool(progress and progress.done)
        if progress:
            line.show(progress.done / progress.total if progress.total else 0.0, _megabytes(progress))

    def show_fault(self, fault: str, *, may_take_demo: bool) -> None:
        """Why there are no images, and what to do."""
        demo = ", d shows images that this program draws itself" if may_take_demo else ""
        advice = f"r tries again{demo}. Runs and results can be looked at without images."
        self._say(fault, advice, {"load", "demo"} if may_take_demo else {"load"})
        self.query_one(ProgressLine).display = False

    def action_stop(self) -> None:
        """Loads the images no further."""
        self.post_message(DatasetUnwanted())

    def action_load(self) -> None:
        """Loads them again."""
        self.post_message(DatasetWanted(demo=False))

    def action_demo(self) -> None:
        """Takes the demo set."""
        self.post_message(DatasetWanted(demo=True))

    def _say(self, words: str, advice: str, actions: set[str]) -> None:
        self.query_one("#words", Static).update(Text(words))
        self.query_one("#advice", Static).update(Text(advice))
        if actions != self._actions:
            self._actions = actions
            self.refresh_bindings()


def _while_loading(progress: Progress | None) -> str:
    once = (
        "This is done once: the next start has the images at once. The other screens work meanwhile. escape stops it."
    )
    return once if progress else ""


def _megabytes(progress: Progress) -> str:
    done = f"{progress.done / _MEGABYTE:.1f}"
    return f"{done} of {progress.total / _MEGABYTE:.1f} MB" if progress.total else f"{done} MB"
