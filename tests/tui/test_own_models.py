"""Models of the user's own on the Models screen: named with a key, remembered, trained by the code as it is then."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from textual.widgets import Input, Select

from fmnist_tui.models import named, registry
from fmnist_tui.models.examine import examine
from fmnist_tui.models.named import name_model, remembered
from fmnist_tui.models.registry import find_model
from fmnist_tui.runs.directory import list_runs
from fmnist_tui.tui.app import FmnistApp
from fmnist_tui.tui.models.naming import NameModelDialog

from .driving import TRAINER_PATIENCE, flat, notices, part, text_in, until, until_shown, widget

NET = """\
from torch import nn

def net(image_shape, classes):
    '''A line of regression.'''
    return nn.Sequential(nn.Flatten(), nn.Linear(784, classes))
"""


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """In a folder with a model; models are checked in this process."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(registry, "_models", dict(registry._models))
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(named, "check_model", examine)
    Path("net.py").write_text(NET)
    Path("other.py").write_text(NET.replace("net(", "other("))


async def test_a_model_is_named_listed_and_trained(app: FmnistApp) -> None:
    name_model("other.py:other", Path.cwd())
    registry._models.pop("other")
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("2")
        await until(pilot, lambda: "other other.py:" in part(pilot, "#versions"), "the remembered model")
        assert "torch" not in part(pilot, "#fault")

        await pilot.press("n", *"net.py:nut", "enter")
        await until(pilot, lambda: "there is no nut; it defines net" in flat(app), "why it can't be used")
        assert isinstance(app.screen, NameModelDialog)
        assert app.screen.query_one(Input).value == "net.py:nut", "it can be corrected"
        await pilot.press("backspace", "backspace", "backspace", *"net", "enter")
        await until(pilot, lambda: "A line of regression." in text_in(pilot, "#right"), "the model's page")
        assert "net net.py:net" in part(pilot, "#versions")
        assert "7,850" in text_in(pilot, "#layers")
        assert [one.name for one in remembered()] == ["net", "other"]

        Path("net.py").write_text(NET.replace("nn.Flatten()", "nn.Flatten(), nn.Dropout(0.1)"))
        widget(pilot, "#epochs", Input).value = "1"
        widget(pilot, "#limit", Input).value = "100"
        widget(pilot, "#in_app", Select).value = "app"
        await pilot.press("t")
        await until(pilot, lambda: notices(app).count("Checking net.py:net ...") == 2, "named, and now trained")
        await until(pilot, lambda: bool(list_runs(app.runs)), "the run")
        run = list_runs(app.runs)[0]
        assert run.run_id.startswith("net-")
        assert "Dropout(0.1)" in run.model_text.read_text(), "the code is what it is when it is trained"
        await until_shown(pilot, "net net.py:net")
        await until(pilot, run.result.exists, "the result", TRAINER_PATIENCE)

        Path("net.py").write_text("def net(:")
        await pilot.press("2")
        await until(pilot, lambda: "Train net" in part(pilot, "#train"), "the form")
        await pilot.press("t")
        await until(pilot, lambda: "net.py:1: SyntaxError: invalid syntax" in notices(app), "the error")
        assert len(list_runs(app.runs)) == 1
        assert find_model("net")


async def test_naming_nothing_changes_nothing(app: FmnistApp) -> None:
    async with app.run_test() as pilot:
        await pilot.press("2")
        for keys in (["escape"], ["enter", "escape"]):
            await pilot.press("n")
            await until(pilot, lambda: isinstance(app.screen, NameModelDialog), "the dialog")
            await pilot.press(*keys)
            await until(pilot, lambda: not isinstance(app.screen, NameModelDialog), "the dialog closed")
    assert remembered() == []
