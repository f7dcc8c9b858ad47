"""Questions about paths that raise are asked nowhere: whose folder it is, or what became of its disk, nobody knows."""

from __future__ import annotations

import ast
from pathlib import Path

import fmnist_tui

ROOT = Path(fmnist_tui.__file__).parent
RAISING = {"exists", "is_dir", "is_file", "is_mount", "is_socket", "is_fifo", "is_block_device", "is_char_device"}
"""Of `Path`: they raise on a folder that may not be searched, a dead mount, a name that is too long."""
HOME = {"home", "expanduser", "getuser"}
"""They raise where a user has neither HOME nor a name."""
ALLOWED = {
    ("files.py", "exists"),  # os.path's, which never raise
    ("paths.py", "expanduser"),
    ("runs/directory.py", "is_dir"),  # within try
    ("training/checkpoint.py", "is_dir"),  # of an entry of a folder that is listed
    ("data/folder.py", "exists"),  # raised as DataError by its callers
    ("data/folder.py", "is_dir"),
    ("data/folder.py", "is_file"),
    ("data/apt.py", "is_file"),  # in a folder that this process has made
    ("data/cache.py", "is_dir"),  # within suppress
    ("runs/queue/dispatch.py", "getuser"),  # within try
    ("runs/queue/dispatcher.py", "is_fifo"),  # within suppress
}


def called_in(path: Path) -> set[tuple[str, str]]:
    calls = (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call))
    names = {call.func.attr for call in calls if isinstance(call.func, ast.Attribute)}
    return {(path.relative_to(ROOT).as_posix(), name) for name in names & (RAISING | HOME)}


def test_no_question_about_a_path_raises() -> None:
    found = {call for path in ROOT.rglob("*.py") for call in called_in(path)}
    assert found - ALLOWED == set(), "use fmnist_tui.files, or paths.home_folder"
