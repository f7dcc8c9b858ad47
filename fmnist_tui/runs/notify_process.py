"""The process that posts a run's message or runs the user's command, so that neither delays the run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import msgspec

from fmnist_tui.files import is_folder
from fmnist_tui.runs.notifications import Job, Message
from fmnist_tui.text import safe

_POST_SECONDS = 10
_TRIES = 3
_PAUSE = 2.0
_LONGEST = 60
"""Seconds for everything that is posted: a server that sends a byte now and then is cut off, too."""
_NTFY = "ntfy+"


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A server that redirects to another one isn't followed: the message is for the one that the user named."""

    def redirect_request(self, *_: object) -> None:
        return None


def posted(url: str, message: Message) -> tuple[str, bytes]:
    """Where a message is posted, and what: JSON for Slack ("text"), Discord ("content") and ntfy ("message").

    An ntfy server takes JSON at its root, with the topic's name in it; at a topic it would show the JSON as text.
    """
    content = {
        **msgspec.to_builtins(message),
        "content": message.text,
        "title": f"{message.run} {message.kind}",
        "message": message.text,
    }
    parts = urlsplit(url.removeprefix(_NTFY))
    topic = parts.path.strip("/")
    if url.startswith(_NTFY) or (parts.hostname == "ntfy.sh" and topic and "/" not in topic):
        content["topic"] = topic.rpartition("/")[2]
        parts = parts._replace(path=topic.rpartition("/")[0] or "/")
    return urlunsplit(parts), msgspec.json.encode(content)


def post(url: str, message: Message) -> str:
    """Post a message, if need be three times; return why it wasn't taken, or "". Waits for no more than the status."""
    where, body = posted(url, message)
    headers = {"Content-Type": "application/json", "User-Agent": "fmnist-tui"}
    request = urllib.request.Request(where, body, headers)  # noqa: S310 - http or https, checked when it was given
    opener = urllib.request.build_opener(_NoRedirects)
    why = ""
    for attempt in range(_TRIES):
        if attempt:
            time.sleep(_PAUSE * attempt)
        try:
            opener.open(request, timeout=_POST_SECONDS).close()
        except urllib.error.HTTPError as error:
            error.close()
            why = f"HTTP status {error.code}"
            if error.code < 500 and error.code != 429:  # trying again wouldn't help
                break
        except Exception as error:  # noqa: BLE001 - whatever a misbehaving server provokes in http.client
            why = f"{getattr(error, 'reason', error) or type(error).__name__}"
        else:
            return ""
    return why


def run(command: tuple[str, ...], message: Message) -> str:
    """Run a command with the message on its standard input and in its environment; return why it failed, or "".

    It is waited for without a limit, since it may well take long.
    """
    accuracy = "" if message.test_accuracy is None else str(message.test_accuracy)
    known = {"RUN": message.run, "KIND": message.kind, "TEXT": message.text, "TEST_ACCURACY": accuracy}
    environment = {**os.environ, **{f"FMNIST_TUI_{name}": value for name, value in known.items()}}
    folder = message.folder if is_folder(Path(message.folder)) else "/"
    try:
        done = subprocess.run(command, input=msgspec.json.encode(message), cwd=folder, env=environment, check=False)
    except (OSError, ValueError) as error:
        return f"{command[0]} can't be started ({error})"
    return f"{command[0]} ended with exit status {done.returncode}" if done.returncode else ""


def main() -> int:
    """Do the job on standard input; why it failed is printed, which goes to train.log."""
    job = msgspec.json.decode(sys.stdin.buffer.read(), type=Job)
    if job.url:
        signal.signal(signal.SIGALRM, _give_up)
        signal.alarm(_LONGEST)
        what, why = "the notification wasn't accepted", post(job.url, job.message)
    else:
        what, why = "--on-end", run(job.command, job.message)
    return _failed(what, why) if why else 0


def _failed(what: str, why: str) -> int:
    print(safe(f"{what}: {why}"), file=sys.stderr, flush=True)  # noqa: T201
    return 1


def _give_up(*_: object) -> None:
    _failed("the notification wasn't accepted", f"no answer within {_LONGEST} s")
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
