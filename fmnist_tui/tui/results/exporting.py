"""Exports from the results screen: written in a thread, with a notice where the files are."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

from fmnist_tui.files import write_atomically
from fmnist_tui.report.export import ExportError, export_run, export_shifts
from fmnist_tui.runs.run import Run
from fmnist_tui.text import counted
from fmnist_tui.tui.messages import Failed, Post, Written

_FOLDER = "fmnist-tui-export"


def export_runs(records: Sequence[Run], post: Post, stop: threading.Event) -> None:
    """Exports the runs into a folder in the working directory; stops between two runs once `stop` is set."""
    try:
        folder = Path.cwd() / _FOLDER
        for record in records:
            if stop.is_set():
                return
            export_run(record, folder)
        export_shifts(records, folder)
    except (ExportError, OSError) as error:
        post(Failed(f"{error}; start the app in a writable folder"))
    else:
        post(Written(f"{counted(len(records), 'run')} written to {folder}"))


def write_copy(markdown: str, post: Post) -> None:
    """Writes what was copied to a file as well, since not every terminal has a clipboard."""
    try:
        file = Path.cwd() / _FOLDER / "results.md"
        file.parent.mkdir(exist_ok=True)
        write_atomically(file, markdown.encode())
    except OSError as error:
        post(Failed(f"can't write a file here ({error.strerror}); copied to the clipboard only"))
    else:
        post(Written(f"copied, if the terminal allows it, and written to {file}"))
