"""Which run is shown, and what it is doing."""

from __future__ import annotations

from rich.text import Text

from fmnist_tui.models.catalogue import find_version
from fmnist_tui.runs.directory import version_in
from fmnist_tui.runs.snapshot import Snapshot
from fmnist_tui.runs.status import Status

READING = "reading its log ..."
_STOPPING = {"after-epoch": "stopping after this epoch", "now": "stopping now"}


def headline(snapshot: Snapshot, status: Status, width: int) -> Text:
    """Which run, and what it is doing: nobody looks at an empty chart without being told why.

    Without the version's title where the line is narrower than all of it: the id begins with the version.
    """
    version = version_in(snapshot.run_id)
    known = find_version(version)
    run = Text.assemble(f"{snapshot.run_id}  ", (_doing(snapshot, status), "reverse"))
    whole = Text.assemble((f"{version} {known.title if known else ''}", "bold"), "  ", run)
    return whole if whole.cell_len <= width else run


def _doing(snapshot: Snapshot, status: Status) -> str:
    if status is Status.LOADING:
        return READING
    if status is Status.INTERRUPTED:
        return f"{status}: r resumes it"
    if status is Status.FINISHED and snapshot.finished and snapshot.finished.reason == "stopped":
        return snapshot.ending
    doing = snapshot.stage if status is Status.LIVE and snapshot.stage else str(status)
    stopping = _STOPPING.get(snapshot.stopping, "stopping") if snapshot.stopping and status.has_trainer else ""
    return ", ".join(filter(None, [doing, stopping]))
