"""Whether PyTorch finds a device, printed as JSON by a process of its own: a broken driver may crash it, or hang."""

from __future__ import annotations

import json
import sys

from fmnist_tui.training.config import ConfigError


def main(wanted: str) -> None:
    """Looks for the device; one that isn't there is told, whatever else is raised ends this process alone."""
    from fmnist_tui.training.devices import resolve

    fault = ""
    try:
        resolve(wanted)
    except ConfigError as error:
        fault = str(error)
    sys.stdout.write("\n" + json.dumps({"fault": fault}) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
