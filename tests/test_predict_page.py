"""The examples of docs/predict.md, in their order, in one folder."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from fmnist_tui.cli import cli

PAGE = Path(__file__).parents[1] / "docs" / "predict.md"
_BLOCK = re.compile(r"^```(python|sh)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def test_the_examples_do_what_they_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("FMNIST_TUI_RUNS", str(tmp_path / "runs"))
    names: dict[str, object] = {}
    outputs = []
    for kind, text in _BLOCK.findall(PAGE.read_text("utf-8")):
        if kind == "python":
            exec(text, names)  # noqa: S102 - our own page
            continue
        program, *arguments = shlex.split(text)
        assert program == "fmnist-tui"
        outcome = CliRunner().invoke(cli, arguments)
        assert outcome.exit_code == 0, outcome.output
        outputs.append(outcome.output)
    _, photo, drawn, folder, array = outputs
    assert "inverted, levels stretched, cropped to" in photo
    assert "\nTrouser " in photo
    assert len(drawn.splitlines()) > len(photo.splitlines()) + 14
    assert "Accuracy 100.00%: 3 of 3 pictures" in folder
    assert json.loads(array)[0]["class"] == "Trouser"
