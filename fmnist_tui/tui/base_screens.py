"""The base classes of full screens and of the dialogs that open over them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from textual import getters, on
from textual._callback import invoke
from textual._types import CallbackType
from textual.await_complete import AwaitComplete
from textual.binding import Binding
from textual.css.query import NoMatches
from textual.errors import NoWidget
from textual.events import Compose, Event, MouseEvent, Resize, ScreenResume, ScreenSuspend, Unmount
from textual.message import Message
from textual.message_pump import MessagePump
from textual.reactive import Reactive
from textual.screen import ModalScreen, Screen
from textual.types import CSSPathType
from textual.widget import Widget

from fmnist_tui.tui.app_state import LabApp
from fmnist_tui.tui.keys import Remappable
from fmnist_tui.tui.stylesheet import styled_by_focus_within
from fmnist_tui.tui.widgets.nav import SCREENS

if TYPE_CHECKING:
    _Mixed = Screen[Any]
else:
    _Mixed = object


class SafeScreen(Remappable, _Mixed):
    """Makes a screen safe in bursts of keys: it is dismissed once, while on top, and may be closed at any time.

    Keys come in bursts: those behind the one that answered a dialog are on their way already. Textual raises an error
    at the second answer, which ends the app. A screen may even be closed before its widgets are there, and messages,
    timers and callbacks reach it after it was closed.

    Attributes:
        is_over: Whether it is closed. The app sets it.
    """

    app = getters.app(LabApp)
    focused: Reactive[Widget | None] = Reactive(None, repaint=False)
    """Both widgets paint themselves; Textual paints the whole screen."""
    is_over = False
    _is_composed = False

    def __init__(self, *given: Any, **named: Any) -> None:
        """Has the classes of the terminal's size from the start; Textual, which adds them later, styles all again."""
        super().__init__(*given, **named)
        (width, height), app = self.app.size, self.app
        self.add_class(
            *self._get_breakpoint_classes(width, app.HORIZONTAL_BREAKPOINTS or []),
            *self._get_breakpoint_classes(height, app.VERTICAL_BREAKPOINTS or []),
            update=False,
        )

    def dismiss(self, result: Any = None) -> AwaitComplete:
        """Closes the screen with an answer; later answers do nothing."""
        stack = self.app.screen_stack
        if self.is_over or len(stack) < 2 or stack[-1] is not self:
            return AwaitComplete()
        closing: AwaitComplete = super().dismiss(result)
        return closing

    @property
    def is_complete(self) -> bool:
        """Whether its widgets are all there: it was composed and isn't closed, and the app isn't being left."""
        return self._is_composed and not (self.is_over or self._pruning or self._closing or self.app.is_leaving)

    def watch_app(self, attribute: str, callback: Callable[[Any], object]) -> None:
        """Calls `callback` with the value of one of the app's reactive attributes, now and when it changes."""

        def call(value: Any) -> None:
            with self._allow_missing():
                callback(value)

        self.watch(self.app, attribute, call)

    async def _dispatch_message(self, message: Message) -> None:
        if isinstance(message, Resize) and message.size != self.app.size:
            return  # outdated: a screen answers each new size with an event of its own, and two sizes would alternate
        with self._allow_missing(), suppress(NoWidget):  # a click on a place that the terminal hasn't any more
            await super()._dispatch_message(message)
        if isinstance(message, Compose) and not self._is_composed:
            self._is_composed = True
            self.refresh(layout=True)
        elif isinstance(message, Unmount):
            self._stop_watching()

    async def recompose(self) -> None:
        """As Textual does it; what the app tells it meanwhile finds no widgets, as in a screen that is new."""
        self._is_composed = False
        await super().recompose()
        self._is_composed = True

    def _stop_watching(self) -> None:
        """Textual would keep the screen in memory until what it watched of the app changes."""
        self.app.theme_changed_signal.unsubscribe(self)
        for watchers in getattr(self.app, "__watchers", {}).values():
            watchers[:] = [(node, callback) for node, callback in watchers if node is not self]

    def on_screen_suspend(self) -> None:
        """Ends a selection of text: where the button was released elsewhere, the mouse would go on without it."""
        self._selecting = False

    def _forward_event(self, event: Event) -> None:
        """Ignores the mouse where a widget has just gone, such as a notification: Textual looks for its parent.

        A widget that holds the mouse and isn't seen any more loses it: nothing else would hear the mouse.
        """
        if isinstance(event, MouseEvent) and not event.is_forwarded:
            if (holder := self.app.mouse_captured) and not self._shows(holder):
                self.app.capture_mouse(None)
            with suppress(NoWidget):
                if not self.get_widget_at(*event.screen_offset)[0].is_attached:
                    return
        super()._forward_event(event)

    def _shows(self, widget: Widget) -> bool:
        with suppress(NoWidget):
            self.find_widget(widget)
            return widget.is_attached
        return False

    def _compositor_refresh(self) -> None:
        """Paints once all widgets are there: what is below stays for as long, and no half of a dialog is sent."""
        if self._is_composed:
            super()._compositor_refresh()

    def _invoke_later(self, callback: CallbackType, sender: MessagePump) -> None:
        """Takes on what any node passed to `call_after_refresh`: the screen on top calls it back, whose ever it is."""
        super()._invoke_later(partial(self._call_back, callback, sender), sender)

    async def _call_back(self, callback: CallbackType, sender: MessagePump) -> None:
        with unless_gone(_owner(callback, sender)):
            await invoke(callback)

    def _update_focus_styles(self, focused: Widget | None = None, blurred: Widget | None = None) -> None:
        """Applies styles again where the focus came or went: Textual does so to all that such a style could concern."""
        before, after = (set(widget.ancestors_with_self) if widget else set() for widget in (blurred, focused))
        changed = [node for node in before ^ after if isinstance(node, Widget)]
        self.app.stylesheet.update_nodes(styled_by_focus_within(self.app.stylesheet, changed), animate=True)

    @contextmanager
    def _allow_missing(self) -> Iterator[None]:
        """A widget that isn't found is no fault unless all are there."""
        try:
            yield
        except NoMatches:
            if self.is_complete:
                raise


def _owner(callback: CallbackType, sender: MessagePump) -> MessagePump:
    """Whose method it is: in an action, which the app's task runs, the sender is the app."""
    while isinstance(callback, partial):
        callback = callback.func
    owner = getattr(callback, "__self__", None)
    return owner if isinstance(owner, MessagePump) else sender


@contextmanager
def unless_gone(pump: MessagePump | None) -> Iterator[None]:
    """A widget that isn't found is no fault on a screen that isn't complete yet, or no more."""
    try:
        yield
    except NoMatches:
        if not is_gone(pump):
            raise


def is_gone(pump: MessagePump | None) -> bool:
    """Whether the pump is a widget that is being removed, or is on a screen that isn't complete."""
    if not isinstance(pump, Widget):
        return False
    screens = [node for node in pump.ancestors_with_self if isinstance(node, SafeScreen)]
    return pump._pruning or not pump.is_attached or any(not screen.is_complete for screen in screens)


class LabScreen(SafeScreen, Screen[None]):
    """A screen whose styles stay as they are while it isn't seen.

    Textual would apply them to every widget again each time the screen is shown, a third of a key's response time.
    Another theme is applied in any case: the app counts its changes.
    """

    def steps_ahead(self) -> Iterator[object]:
        """What can be done before the screen is seen for the first time, step by step."""
        return iter(())

    @on(ScreenResume)
    def _keep_styles(self, event: ScreenResume) -> None:
        event.refresh_styles = False


class NetworkScreen(LabScreen):
    """A screen that asks the process which holds the networks: it is kept while the screen is shown."""

    @on(ScreenResume)
    def _hold_networks(self) -> None:
        self.app.inspection.hold(self)

    @on(ScreenSuspend)
    @on(Unmount)
    def _release_networks(self) -> None:
        self.app.inspection.release(self)


Answer = TypeVar("Answer")
DIALOG_CSS = Path(__file__).parent / "dialogs" / "dialog.tcss"
"""What all dialogs look like; a dialog with styles of its own names both."""


class Dialog(SafeScreen, ModalScreen[Answer]):
    """Dismisses with an answer, or with None."""

    CSS_PATH: ClassVar[CSSPathType | None] = DIALOG_CSS
    BINDINGS = [
        Binding("escape", "dismiss", "Back"),
        *(Binding(f"{key}", f"app.go('{name}')", title, show=False) for key, (name, title) in enumerate(SCREENS, 1)),
    ]
