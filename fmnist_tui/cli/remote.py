"""What `--on ssh:HOST` runs on the host: it submits runs to the queue there, and prints the outcome as JSON."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from fmnist_tui.doctor.logout import what_a_logout_ends
from fmnist_tui.errors import RunError
from fmnist_tui.files import exists
from fmnist_tui.host.machine import this_machine
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.queue.submit import submit


def main(folders: list[str]) -> None:
    """Start the runs in these folders; prints {"failed": {run: why}, "warning"}."""
    runs = [RunDirectory(Path(folder)) for folder in folders]
    failed = {
        run.run_id: f"{run.path} isn't there; name the shared folder with runs in settings.toml"
        for run in runs
        if not exists(run.request)
    }
    warning = ""
    there = [run for run in runs if run.run_id not in failed]
    try:
        if there:
            submitted = submit(there)
            failed |= {run.run_id: why for run, why in submitted.failed.items()}
            warning = submitted.warning or what_a_logout_ends(this_machine()) or ""
    except RunError as error:
        failed |= dict.fromkeys((run.run_id for run in there), str(error))
    sys.stdout.write(json.dumps({"failed": failed, "warning": warning}) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
