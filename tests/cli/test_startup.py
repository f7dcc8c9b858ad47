"""What a command imports is what a person waits for: it is held by the modules, not by a clock."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from fmnist_tui.runs.directory import RunDirectory

LIBRARIES = {"torch", "textual", "matplotlib", "plotext", "rich.progress", "ssl", "numpy", "scipy", "msgspec"}
SLOW = LIBRARIES | {"fmnist_tui.models.registry"}
READS_RUNS = frozenset({"msgspec"})
WITH_NUMPY = READS_RUNS | {"numpy", "scipy", "fmnist_tui.models.registry"}

REPORT = """
import sys
from fmnist_tui.cli import main

try:
    main()
finally:
    print(*sys.modules, file=sys.stderr)
"""


def imported_by(*arguments: str) -> set[str]:
    done = subprocess.run([sys.executable, "-c", REPORT, *arguments], capture_output=True, check=True, encoding="utf-8")
    assert done.stdout
    return set(done.stderr.split())


@pytest.mark.parametrize(
    ("arguments", "allowed"),
    [
        (["--help"], frozenset()),
        (["train", "--help"], WITH_NUMPY),
        (["analyse", "--help"], WITH_NUMPY),
        (["runs"], READS_RUNS),
        (["results", "--all"], WITH_NUMPY - {"scipy"}),
        (["show", "last", "--json"], WITH_NUMPY),
    ],
    ids=["help", "train", "analyse", "runs", "results", "show"],
)
def test_a_command_imports_no_library_that_it_does_not_need(
    finished: RunDirectory, arguments: list[str], allowed: frozenset[str]
) -> None:
    where = [] if "--help" in arguments else ["--runs", str(finished.path.parent)]
    assert imported_by(*arguments, *where) & SLOW <= allowed


INTERRUPTED = """
import os, signal, sys

class WhenClickIsImported:
    def find_spec(self, name, path=None, target=None):
        if name == "click":
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, WhenClickIsImported())
from fmnist_tui.__main__ import main
main()
"""


def test_ctrl_c_before_all_is_imported_leaves_no_traceback() -> None:
    done = subprocess.run([sys.executable, "-c", INTERRUPTED], capture_output=True, check=False, encoding="utf-8")
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGINT, "", "")
