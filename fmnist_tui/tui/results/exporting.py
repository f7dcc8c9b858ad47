"""Exports from the Results screen: written in a thread, with a notice where the files are."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

from fmnist_tui.files import write_atomically
from fmnist_tui.paths import home_folder
from fmnist_tui.report.export import ExportError, export_run, export_shifts
from fmnist_tui.runs.run import Run
from fmnist_tui.text import counted
from fmnist_tui.tui.messages import Failed, Post, Written

_FOLDER = "fmnist-tui-export"


def export_runs(records: Sequence[Run], markdown: str, folder: Path, post: Post, stop: threading.Event) -> None:
    """Exports the runs into a folder, with the comparison as results.md; stops between two runs if `stop` is set."""
    try:
        for record in records:
            if stop.is_set():
                return
            export_run(record, folder)
        export_shifts(records, folder)
        write_atomically(folder / "results.md", markdown.encode())
    except (ExportError, OSError) as error:
        post(Failed(f"{error}; choose a folder that you can write to"))
    else:
        post(Written(f"{counted(len(records), 'run')} written to {folder}"))


def proposed_folder() -> Path:
    """Where exports go unless the user chooses another folder: below the working directory."""
    try:
        return Path.cwd() / _FOLDER
    except OSError:  # it was deleted
        return (home_folder() or Path("/")) / _FOLDER
