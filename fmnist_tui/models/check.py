"""Checking a user's model in a process of its own, which may print, hang or end without harm to the caller."""

from __future__ import annotations

import json
import os
import sys
import threading
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

from fmnist_tui.host.processes import python_command, run_command
from fmnist_tui.models.source import ModelSource, SourceError
from fmnist_tui.models.spec import FASHION_MNIST_CLASSES, FASHION_MNIST_SHAPE, ImageShape
from fmnist_tui.text import safe

if TYPE_CHECKING:
    from fmnist_tui.models.user_code import Place

_MODULE = "fmnist_tui.models.check"
SECONDS = 120.0
"""How long the code may take; PyTorch alone takes half a minute to import from a slow file system."""
_GRACE = 60.0


def check_model(
    text: str,
    folder: Path,
    image_shape: ImageShape = FASHION_MNIST_SHAPE,
    classes: int = FASHION_MNIST_CLASSES,
    seconds: float = SECONDS,
) -> ModelSource:
    """Import the code that the user named, build the network and try it out, in a child process.

    Args:
        text: "FILE.py:NAME" or "package.module:NAME".
        folder: The user's working directory.
        image_shape: Channels, height and width of the images that it is tried on.
        classes: Their number of classes.
        seconds: The time limit.

    Raises:
        SourceError: There is no such code, or it fails; one line with the file and the line.
    """
    request = {"text": text, "folder": str(folder), "image_shape": image_shape, "classes": classes, "seconds": seconds}
    result = run_command(python_command(_MODULE, json.dumps(request)), seconds + _GRACE)
    report = result.report()
    if report is None:
        why = f"exit status {result.status}" if result.status is not None else result.errors
        raise SourceError(f"{safe(text)} ends the process that checks it ({why}); it must import and build a network")
    if fault := report.get("fault"):
        raise SourceError(str(fault))
    source = ModelSource.from_json(report.get("model"))
    if source is None:
        raise SourceError(f"{safe(text)} can't be recorded: it consists of too many files, or has an odd name")
    return source


class _Watch:
    """Ends the process with a report when the code takes too long, with the line at which it is then."""

    def __init__(self, report: int, seconds: float) -> None:
        self._report = report
        self._seconds = seconds

    def start(self, place: Place) -> None:
        """Watch the calling thread."""
        timer = threading.Timer(self._seconds, self._end, [threading.get_ident(), place])
        timer.daemon = True
        timer.start()

    def _end(self, thread: int, place: Place) -> None:
        frames = traceback.extract_stack(sys._current_frames()[thread])
        where = place.innermost(frames) or place.shown
        _send(self._report, {"fault": f"{where}: still busy after {self._seconds:g} s"})


def _send(report: int, content: dict[str, object]) -> None:
    """Write the report and end at once: whatever the code has registered or started may not disturb."""
    data = b"\n" + json.dumps(content).encode() + b"\n"
    while data:
        data = data[os.write(report, data) :]
    os._exit(0)


def main(argument: str) -> None:
    """Check the model that a JSON object describes, and print the report as JSON."""
    request = json.loads(argument)
    report, nowhere = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):  # what the code prints is no part of the report
        os.dup2(nowhere, stream)
    try:
        from fmnist_tui.models.examine import examine

        source = examine(
            request["text"],
            Path(request["folder"]),
            tuple(request["image_shape"]),
            request["classes"],
            _Watch(report, request["seconds"]).start,
        )
    except SourceError as error:
        _send(report, {"fault": str(error)})
    except (ImportError, OSError) as error:
        _send(report, {"fault": f"PyTorch can't be imported ({safe(error)}); install it: pip install torch"})
    except BaseException as error:  # noqa: BLE001 - a KeyboardInterrupt that the code raises, say
        _send(report, {"fault": f"{safe(request['text'])}: {type(error).__name__}: {safe(error)}"})
    else:
        _send(report, {"model": source.to_json()})


if __name__ == "__main__":
    main(sys.argv[1])
