"""The JSON that a probe prints as its last line, below whatever libraries print on their own."""

from __future__ import annotations

import json
from typing import Any

from fmnist_tui.runs.machine.asking import Answer


def report_in(answer: Answer) -> dict[str, Any] | None:
    """The report, or None where the probe didn't come to its end."""
    if answer.status != 0:
        return None
    try:
        report = json.loads(answer.output.strip().rpartition("\n")[2])
    except ValueError:
        return None
    return report if isinstance(report, dict) else None
