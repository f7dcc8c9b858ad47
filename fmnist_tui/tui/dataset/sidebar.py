"""The list of classes beside the images, and what is shown in place of images while they load."""

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
from fmnist_tui.tui.keys import Remappable
from fmnist_tui.tui.messages import DatasetCancelRequested, DatasetRequested
from fmnist_tui.tui.widgets.bars import ProgressLine, bar
from fmnist_tui.tui.widgets.choices import Choices

_NAME = 11
_BAR = 8


class ClassList(Remappable, Choices):
    """A line for all classes, then one for each; Enter moves to the images."""

    BINDINGS = [Binding("enter,right,escape", "select", "To the images")]

    def show(self, names: Sequence[str], counts: Sequence[int], label: int | None) -> None:
        """Shows counts and bars, and highlights the class `label`, or "all classes" if it is None."""
        lines = [f"{'all classes':<{_NAME}}{grouped(sum(counts)):>7}"]
        for name, count in zip(names, counts, strict=True):
            lines.append(f"{pad(cut(name, _NAME), _NAME)}{grouped(count):>7} {bar(count / max(*counts, 1), _BAR)}")
        with self.prevent(OptionList.OptionHighlighted):
            self.clear_options()
            self.add_options([Text(line, no_wrap=True, overflow="crop") for line in lines])
            self.highlighted = 0 if label is None else label + 1


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
