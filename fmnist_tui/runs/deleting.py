"""Throwing a run away."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress

from fmnist_tui.errors import RunError
from fmnist_tui.runs.access import owner_of, refused
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.lock import acquire, is_held
from fmnist_tui.runs.status import is_waiting

_GONE = ".deleted-"


def delete_run(run: RunDirectory) -> None:
    """Removes the run and all that belongs to it; from the first moment on it is in no list any more.

    Raises:
        RunError: A trainer holds it, it waits for a device, or it can't be removed.
    """
    if is_held(run):
        raise RunError(f"run {run.run_id} has a trainer; stop it first with: fmnist-tui stop {run.run_id} --now")
    if is_waiting(run):
        raise RunError(f"run {run.run_id} is waiting for its device; stop it first with: fmnist-tui stop {run.run_id}")
    lock = acquire(run)
    try:
        gone = run.path.rename(run.path.with_name(f"{_GONE}{run.run_id}"))
    except OSError as error:
        raise refused(f"delete {run.path}", run.path, error) from None
    finally:
        os.close(lock)
    faults: list[object] = []
    if gone.is_symlink():
        gone.unlink()
    else:
        shutil.rmtree(gone, onerror=lambda *fault: faults.append(fault))
    with suppress(OSError):
        for left in gone.parent.glob(f"{_GONE}*"):  # what a killed process left
            shutil.rmtree(left, ignore_errors=True)
    if faults and os.path.lexists(gone):
        why = f"of {owner_of(gone)}'s can't be removed"
        raise RunError(f"{run.run_id} is in no list any more, but some {why}; have it removed: rm -rf {gone}")
