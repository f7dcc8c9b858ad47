from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from textual.css.stylesheet import Stylesheet
from textual.dom import DOMNode

from fmnist_tui.tui.app import FmnistApp
from fmnist_tui.tui.stylesheet import LabStylesheet

from .driving import AnyPilot, loaded
from .samples import write_run


def styles_of(node: DOMNode) -> dict[str, Any]:
    """All that the style sheet decides about a node and the parts of it that have styles."""
    parts = {name: styles.base.get_rules() for name, styles in node._component_styles.items()}
    flags = (node._has_hover_style, node._has_focus_within, node._has_order_style, node._has_odd_or_even)
    return {"own": node.styles.base.get_rules(), "parts": parts, "flags": flags}


def assert_as_textual(pilot: AnyPilot, *, as_they_are: bool = False) -> None:
    """Every widget of the screen has the styles that Textual's own style sheet gives it.

    Args:
        pilot: Of the app.
        as_they_are: Whether the widgets' styles are meant as they are now, and not as our style sheet makes them.
    """
    theirs, screen = Stylesheet(variables=pilot.app.get_css_variables()), pilot.app.screen
    assert isinstance(pilot.app.stylesheet, LabStylesheet)
    theirs.source = pilot.app.stylesheet.source
    theirs.parse()
    for sheet in (pilot.app.stylesheet, theirs):
        if sheet is theirs or not as_they_are:
            sheet.update(screen)
        found = [(node, styles_of(node)) for node in screen.walk_children(with_self=True)]
        if sheet is not theirs:
            expected = found
    assert len(found) > 2
    for (node, ours), (_, textuals) in zip(expected, found, strict=True):
        assert ours == textuals, node


async def test_styles_are_those_that_textual_would_apply(make_app: Callable[..., FmnistApp], runs: Path) -> None:
    write_run(runs)
    app = make_app()
    async with app.run_test() as pilot:
        await loaded(pilot)
        for keys in ("1", "2", "3", "4", "5", "8", "question_mark"):
            await pilot.press(keys)
            assert_as_textual(pilot)
        await pilot.press("escape", "2", "tab", "tab")
        app.theme = "textual-light"
        await pilot.pause()
        assert_as_textual(pilot)


async def test_styles_follow_the_focus(app: FmnistApp) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        await loaded(pilot)
        for keys in ("2", "tab", "tab", "tab", "escape", "m", "tab", "escape", "7", "slash", "escape", "4", "tab"):
            await pilot.press(keys)
            await pilot.pause(0.1)
            assert_as_textual(pilot, as_they_are=True)
