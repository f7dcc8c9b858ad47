from __future__ import annotations

import sys

import pytest

from fmnist_tui.doctor.packages import trainer_check
from fmnist_tui.host.check import CheckState


def test_a_trainer_that_can_be_imported_is_ok() -> None:
    assert trainer_check(0, "a library's warning").state is CheckState.OK


@pytest.mark.parametrize(
    "errors",
    [
        "Traceback ...\nModuleNotFoundError: No module named 'fmnist_tui'\n",
        f"{sys.executable}: Error while finding module specification for 'x' (ModuleNotFoundError: "
        "No module named 'fmnist_tui')\n",
    ],
)
def test_a_checkout_that_is_not_installed_is_a_problem_with_advice(errors: str) -> None:
    row = trainer_check(1, errors)
    assert row.state is CheckState.PROBLEM
    assert row.seen == f"{sys.executable} doesn't find this program outside this folder"
    assert "pip install -e" in row.advice


def test_anything_else_is_quoted() -> None:
    row = trainer_check(1, "Traceback\nImportError: libblas.so\x1b[31m: cannot open\n\n")
    assert (row.state, row.seen) == (
        CheckState.PROBLEM,
        "trainer processes can't be started: ImportError: libblas.so [31m: cannot open",
    )
    assert "no error message" in trainer_check(-9, "").seen


def test_no_answer_in_time_is_a_note() -> None:
    assert trainer_check(None, "no answer within 20 s").state is CheckState.NOTE
