"""The examples of docs/your-own-images.md, in their order, in one folder."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from fmnist_tui.cli import cli

PAGE = Path(__file__).parents[1] / "docs" / "your-own-images.md"
_BLOCK = re.compile(r"^```(python|sh)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def test_the_examples_do_what_they_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("sklearn")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("FMNIST_TUI_RUNS", str(tmp_path / "runs"))
    blocks = _BLOCK.findall(PAGE.read_text("utf-8"))
    code = [text for kind, text in blocks if kind == "python"]
    exec("\n".join(code), {})  # noqa: S102 - our own page
    outputs = []
    for command in (text for kind, text in blocks if kind == "sh"):
        program, *arguments = shlex.split(command)
        assert program == "fmnist-tui"
        outcome = CliRunner().invoke(cli, arguments)
        assert outcome.exit_code == 0, outcome.output
        outputs.append(outcome.output)
    looked, trained, resized, table = outputs
    assert re.search(r"size +8x8", looked)
    assert "test accuracy" in trained
    assert "no test set: 20% of each class's images (40) are set aside for testing" in resized
    assert json.loads(table[table.index("{") :])["shape"] == [1, 8, 8]
    results = CliRunner().invoke(cli, ["results", "--all"]).output
    assert 'Other data, file "digits.npz" (397 test images)' in results
    assert 'Other data, folder "pictures" (40 test images)' in results
