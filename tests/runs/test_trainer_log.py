from __future__ import annotations

import sys
from pathlib import Path

import pytest

from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.trainer_process import why_trainer_died

NOT_FOUND = "/usr/bin/python3: Error while finding module specification for 'fmnist_tui.runs.trainer_process' "
NOT_FOUND += "(ModuleNotFoundError: No module named 'fmnist_tui')"


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    return RunDirectory(tmp_path)


@pytest.mark.parametrize(
    ("printed", "why"),
    [
        ("", ""),
        ("\n \n", ""),
        ("Traceback (most recent call last):\n  File x\nValueError: bad\n", "ValueError: bad"),
        ("Traceback ...\nsafetensors.SafetensorError: header\nnote: a note\n", "safetensors.SafetensorError: header"),
        ("warming up\nIllegal instruction", "Illegal instruction"),
        ("\x1b[31mred\udcff\u202e\n", "[31mred"),
        ("x" * 100_000, "x" * 300),
    ],
)
def test_the_last_line_that_says_why_is_quoted(run: RunDirectory, printed: str, why: str) -> None:
    run.train_log.write_bytes(printed.encode(errors="surrogateescape"))
    found = why_trainer_died(run)
    assert found.rstrip("\ufffd ") == why
    assert found.isprintable()


@pytest.mark.parametrize("printed", [NOT_FOUND, "Traceback\nModuleNotFoundError: No module named 'fmnist_tui'\n"])
def test_a_trainer_that_cannot_be_imported_is_distinguished(run: RunDirectory, printed: str) -> None:
    run.train_log.write_text(printed, encoding="utf-8")
    assert f"install it with: {sys.executable} -m pip install -e" in why_trainer_died(run)


def test_without_a_log_nothing_is_reported(run: RunDirectory) -> None:
    assert why_trainer_died(run) == ""
