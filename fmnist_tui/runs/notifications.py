"""Telling somebody how a run ended: a command, a message to a URL, or both, as the user asked for it.

What they asked for is saved in the user's state folder, not with the run: nothing in a run's folder is executed. It is
sent by a process of its own, so that no slow server and no failing command can delay or harm the run.
"""

from __future__ import annotations

import hashlib
import shlex
import subprocess
from contextlib import suppress
from urllib.parse import urlsplit

import msgspec

from fmnist_tui.errors import RunError
from fmnist_tui.files import open_append, write_atomically
from fmnist_tui.host.node import host_name
from fmnist_tui.host.processes import python_command, python_environment
from fmnist_tui.paths import state_folder, used_state_folders
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.run import Run, read_run
from fmnist_tui.text import percent, rough_duration, safe
from fmnist_tui.training.config import ConfigError
from fmnist_tui.training.events import Epoch, Event, RunFinished

_FOLDER = "notifications"
_SENDER = "fmnist_tui.runs.notify_process"
_SCHEMES = ("http", "https", "ntfy+http", "ntfy+https")


class Notifications(msgspec.Struct, frozen=True):
    """What to do when a run ends.

    Attributes:
        command: A program and its arguments; empty for none. It is run without a shell.
        url: Where a message is posted; "" for nowhere.
        best: Whether a message is posted for each new best epoch, too.
    """

    command: tuple[str, ...] = ()
    url: str = ""
    best: bool = False


class Message(msgspec.Struct, frozen=True):
    """What is sent, as JSON: to a command on its standard input.

    Attributes:
        kind: "finished", "stopped", "failed", "diverged" or "best".
        text: One line for people.
        run: The run's id.
        folder: Its folder.
        host: Where it was trained.
        model: The model's name.
        recipe: The recipe's name.
        seed: Its seed; None if that isn't known.
        epochs: Completed epochs.
        validation_accuracy: Of the best epoch, 0 to 1; None before the first one.
        test_accuracy: 0 to 1; None if the test images were not scored.
        seconds: Seconds of training and validation, as far as they are logged.
    """

    kind: str
    text: str
    run: str
    folder: str
    host: str
    model: str
    recipe: str
    seed: int | None
    epochs: int
    validation_accuracy: float | None
    test_accuracy: float | None
    seconds: float


class Job(msgspec.Struct, frozen=True):
    """What the sending process gets: a URL or a command, and the message."""

    message: Message
    url: str = ""
    command: tuple[str, ...] = ()


def read_notifications(command: str | None, url: str | None, *, best: bool = False) -> Notifications:
    """What a user asked for, checked.

    Args:
        command: A program and its arguments, quoted as in a shell.
        url: http, https, or the address of a topic of an ntfy server, as ntfy+https://HOST/TOPIC.
        best: Whether new best epochs are posted.

    Raises:
        ConfigError: One of them can't be used.
    """
    try:
        arguments = tuple(shlex.split(command)) if command is not None else ()
    except ValueError as error:
        raise ConfigError(f"--on-end can't be split into arguments ({error}): {command}") from None
    if command is not None and not arguments:
        raise ConfigError("--on-end needs a command, such as 'notify-send done'")
    if url is not None:
        _check_url(url)
    if best and not url:
        raise ConfigError("--notify-best needs --notify URL")
    return Notifications(arguments, url or "", best)


def _check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        valid = parts.scheme in _SCHEMES and bool(parts.hostname) and parts.port != 0
    except ValueError:
        valid = False
    if not valid or any(not one.isprintable() or one.isspace() for one in url):
        raise ConfigError(f"--notify takes a URL such as https://ntfy.sh/my-topic, not {url!r}")


def save_notifications(run: RunDirectory, notifications: Notifications) -> None:
    """Save what the user asked for, in place of what was asked before; nothing at all removes it.

    Raises:
        RunError: It can't be saved.
    """
    try:
        folder = state_folder() / _FOLDER
        file = folder / _name(run)
        if notifications == Notifications():
            file.unlink(missing_ok=True)
            return
        folder.mkdir(mode=0o700, exist_ok=True)
        write_atomically(file, msgspec.json.encode(notifications))
    except OSError as error:
        raise RunError(f"--on-end and --notify can't be saved ({error.strerror})") from None


def saved_notifications(run: RunDirectory) -> Notifications:
    """What the user asked for; nothing if there is no valid file."""
    for folder in used_state_folders():
        with suppress(OSError, msgspec.DecodeError):
            return msgspec.json.decode((folder / _FOLDER / _name(run)).read_bytes(), type=Notifications)
    return Notifications()


def _name(run: RunDirectory) -> str:
    return hashlib.sha256(bytes(run.path.absolute())).hexdigest()[:32] + ".json"


class Announcer:
    """Sends messages about a run that is being trained. Nothing that fails here reaches the training."""

    def __init__(self, run: RunDirectory) -> None:
        self._run = run
        self._wanted = saved_notifications(run)

    def see(self, event: Event) -> None:
        """Send a message if the event is a new best epoch and the user asked for those."""
        if self._wanted.best and isinstance(event, Epoch) and event.is_best:
            self._send("best", event.epoch, f"epoch {event.epoch}: best so far, {percent(event.validation_accuracy)}")

    def end(self, last: RunFinished) -> None:
        """Send the last message, unless the run was stopped to be resumed."""
        if self._wanted == Notifications() or (last.reason == "stopped" and last.resumable):
            return
        kind = {"completed": "finished"}.get(last.reason, last.reason)
        self._send(kind, None, f"{kind}: {last.message}" if last.message else kind)

    def _send(self, kind: str, epoch: int | None, text: str) -> None:
        try:
            message = message_of(read_run(self._run), kind, safe(text), epoch)
            if self._wanted.url:
                _start(self._run, Job(message, url=self._wanted.url))
            if self._wanted.command and kind != "best":
                _start(self._run, Job(message, command=self._wanted.command))
        except (OSError, RunError) as error:
            _note(self._run, f"the notification can't be sent: {error}")


def message_of(record: Run, kind: str, text: str, epoch: int | None = None) -> Message:
    """The message about a run in its present state.

    Args:
        record: The run.
        kind: See `Message`.
        text: What has happened; the accuracy and the time are added for a run that has been scored.
        epoch: The epoch that has just ended; None for the last one that was read.
    """
    epochs = record.epochs
    seconds = sum(one.seconds + one.validation_seconds for one in epochs)
    accuracy = record.result.test_accuracy if record.result else None
    if kind != "best" and accuracy is not None:
        text += f", test accuracy {percent(accuracy)} after {rough_duration(seconds)}"
    host = host_name()
    manifest = record.manifest
    return Message(
        kind=kind,
        text=f"{record.run_id} on {host}: {text}",
        run=record.run_id,
        folder=str(record.directory.path),
        host=host,
        model=manifest.version,
        recipe=manifest.recipe,
        seed=manifest.seed,
        epochs=epoch or (epochs[-1].epoch if epochs else 0),
        validation_accuracy=max((one.validation_accuracy for one in epochs), default=None),
        test_accuracy=accuracy,
        seconds=seconds,
    )


def _start(run: RunDirectory, job: Job) -> None:
    """Start the process that sends, in a session of its own; what it can't send is a line in train.log."""
    with open_append(run.train_log) as log:
        sender = subprocess.Popen(
            python_command(_SENDER),
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            cwd="/",
            env=python_environment(),
            start_new_session=True,
        )
    _senders.append(sender)  # nobody waits for it
    assert sender.stdin is not None  # noqa: S101 - it is a pipe
    with sender.stdin as pipe:
        pipe.write(msgspec.json.encode(job))  # shorter than a pipe's buffer


_senders: list[subprocess.Popen[bytes]] = []


def _note(run: RunDirectory, text: str) -> None:
    with suppress(OSError), open_append(run.train_log) as file:
        file.write(f"{text}\n".encode(errors="backslashreplace"))
