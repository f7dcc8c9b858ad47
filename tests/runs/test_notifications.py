"""Messages at a run's end: to a real command and to real servers, well-behaved and not."""

from __future__ import annotations

import json
import socket
import stat
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import psutil
import pytest
from waiting import wait_until

from fmnist_tui.paths import state_folder
from fmnist_tui.runs import notify_process
from fmnist_tui.runs.launch import launch
from fmnist_tui.runs.notifications import (
    Message,
    Notifications,
    read_notifications,
    save_notifications,
    saved_notifications,
)
from fmnist_tui.runs.notify_process import post, posted
from fmnist_tui.runs.request import request_run
from fmnist_tui.training.config import ConfigError
from fmnist_tui.training.recipes import configure

MESSAGE = Message("finished", "v0-1 on box: finished", "v0-1", "/", "box", "v0", "tuned", 0, 2, 0.8, 0.79, 12.0)
WRITE = "import pathlib, sys; pathlib.Path(sys.argv[1]).write_bytes(sys.stdin.buffer.read())"


@pytest.fixture(autouse=True)
def own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


class Received:
    """What a server received: paths and bodies; it answers with a status."""

    def __init__(self, status: int) -> None:
        self.status = status
        self.requests: list[tuple[str, dict[str, Any]]] = []


@contextmanager
def server(status: int = 200) -> Iterator[tuple[str, Received]]:
    received = Received(status)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.requests.append((self.path, json.loads(body)))
            self.send_response(received.status)
            self.send_header("Location", "http://127.0.0.1:1/")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    listening = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.server_port}", received
    finally:
        listening.shutdown()
        thread.join()
        listening.server_close()


@contextmanager
def misbehaving(answer: bytes | None) -> Iterator[str]:
    """A server that sends these bytes whatever it is sent, and then closes; None: it never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        held: list[socket.socket] = []

        def serve() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listening.accept()
                    held.append(connection)
                    if answer is not None:
                        connection.recv(65536)
                        connection.sendall(answer)
                        connection.shutdown(socket.SHUT_WR)
                        while connection.recv(65536):  # closed with something unread, it would be reset
                            pass
                        connection.close()

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}/hook"
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            thread.join()
            for connection in held:
                connection.close()


def wait_for_the_senders(folder: Path) -> None:
    """Waits until the processes that were started for a run in this test have ended."""

    def is_ours(process: psutil.Process) -> bool:
        with suppress(psutil.Error):
            if process.environ().get("XDG_STATE_HOME", "").startswith(str(folder)):
                return bool(process.status() != psutil.STATUS_ZOMBIE)
        return False

    wait_until(lambda: not any(map(is_ours, psutil.process_iter())), "the senders have ended")


def test_slack_discord_and_ntfy_find_their_text_in_one_message() -> None:
    with server() as (url, received):
        assert post(f"{url}/services/a/b", MESSAGE) == ""
        assert post(f"ntfy+{url}/my-topic", MESSAGE) == ""
    (hook, first), (root, second) = received.requests
    assert (hook, root) == ("/services/a/b", "/")
    assert first["text"] == first["content"] == first["message"] == MESSAGE.text
    assert first["test_accuracy"] == 0.79
    assert "topic" not in first
    assert second["topic"] == "my-topic"
    assert posted("https://ntfy.sh/mine", MESSAGE)[0] == "https://ntfy.sh/"


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"", "Remote end closed connection"),
        (b"\0\xff nonsense\r\n\r\n", "nonsense"),
        (b"HTTP/1.1 500 no\r\n\r\n", "500"),
    ],
)
def test_a_misbehaving_server_is_tried_three_times_and_named(
    answer: bytes, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notify_process, "_PAUSE", 0.0)
    with misbehaving(answer) as url:
        assert why in post(url, MESSAGE)


def test_a_silent_server_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notify_process, "_PAUSE", 0.0)
    monkeypatch.setattr(notify_process, "_POST_SECONDS", 0.1)
    with misbehaving(None) as url:
        assert "timed out" in post(url, MESSAGE)


@pytest.mark.parametrize("status", [302, 307, 400, 404])
def test_a_refusal_is_final_and_no_redirect_is_followed(status: int) -> None:
    with server(status) as (url, received):
        assert post(url, MESSAGE) == f"HTTP status {status}"
    assert len(received.requests) == 1


def test_a_finished_run_is_announced_by_its_trainer_and_by_no_other(tmp_path: Path) -> None:
    written = tmp_path / "a file; rm -rf"
    command = (sys.executable, "-c", WRITE, str(written))
    with server() as (url, received):
        run = request_run(tmp_path / "runs", configure("v0", "tuned", {"epochs": 2}, limit=200, threads=1), "demo")
        save_notifications(run, Notifications(command, url, best=True))
        (file,) = (state_folder() / "notifications").iterdir()
        assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
        assert launch(run).wait() == 0
        wait_until(lambda: written.exists() and written.stat().st_size > 0, "the command has run")
        wait_until(lambda: any(body["kind"] == "finished" for _, body in received.requests), "the message has come")
    wait_for_the_senders(tmp_path)
    message = json.loads(written.read_bytes())
    result = json.loads(run.result.read_bytes())
    assert message["kind"] == "finished"
    assert message["run"] == run.run_id
    assert message["test_accuracy"] == result["test_accuracy"]
    assert "test accuracy" in message["text"]
    assert {body["kind"] for _, body in received.requests} == {"best", "finished"}
    recorded = run.request.read_text() + run.run_json.read_text()
    assert url not in recorded
    assert str(written) not in recorded  # nothing that is executed is read from a run's folder


def test_a_server_that_never_answers_delays_no_run(tmp_path: Path) -> None:
    with misbehaving(None) as url:
        run = request_run(tmp_path / "runs", configure("v0", "tuned", {"epochs": 2}, limit=200, threads=1), "demo")
        save_notifications(run, Notifications(url=url, best=True))
        begun = time.monotonic()
        assert launch(run).wait() == 0
        assert time.monotonic() - begun < notify_process._POST_SECONDS
    wait_until(lambda: b"the notification wasn't accepted" in run.train_log.read_bytes(), "that is noted")
    wait_for_the_senders(tmp_path)


def test_a_failed_run_is_announced_with_the_reason(tmp_path: Path) -> None:
    written = tmp_path / "written"
    run = request_run(tmp_path / "runs", configure("v0", "tuned", {}, threads=1), str(tmp_path / "no data"))
    save_notifications(run, Notifications((sys.executable, "-c", WRITE, str(written))))
    assert launch(run).wait() == 1
    wait_until(lambda: written.exists() and written.stat().st_size > 0, "the command has run")
    wait_for_the_senders(tmp_path)
    message = json.loads(written.read_bytes())
    assert message["kind"] == "failed"
    assert "no data" in message["text"]


def test_what_is_asked_for_is_saved_replaced_and_removed(tmp_path: Path) -> None:
    run = request_run(tmp_path / "runs", configure("v0", "tuned", {}), "demo")
    assert saved_notifications(run) == Notifications()
    save_notifications(run, Notifications(("true",)))
    save_notifications(run, Notifications(url="https://example.org/"))
    assert saved_notifications(run) == Notifications(url="https://example.org/")
    save_notifications(run, Notifications())
    assert saved_notifications(run) == Notifications()


def test_what_may_be_secret_is_not_recorded_with_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = ["train", "v0", "--notify", "https://secret", "--on-end=secret", "--notify-best", "--on-end", "secret"]
    monkeypatch.setattr(sys, "argv", given)
    run = request_run(tmp_path / "runs", configure("v0", "tuned", {}), "demo")
    argv = json.loads(run.request.read_text())["argv"]
    assert argv == ["train", "v0", "--notify", "...", "--on-end=...", "--notify-best", "--on-end", "..."]


def test_a_command_is_split_into_arguments_and_never_given_to_a_shell() -> None:
    assert read_notifications("notify-send 'a b' $HOME;", None).command == ("notify-send", "a b", "$HOME;")


@pytest.mark.parametrize(
    ("command", "url", "best", "why"),
    [
        ("'unclosed", None, False, "can't be split"),
        (" ", None, False, "needs a command"),
        (None, "file:///etc/passwd", False, "--notify takes a URL"),
        (None, "https://", False, "--notify takes a URL"),
        (None, "https://a/ b", False, "--notify takes a URL"),
        (None, "https://[1", False, "--notify takes a URL"),
        (None, None, True, "--notify-best needs --notify"),
    ],
)
def test_what_can_not_be_used_is_an_error(command: str | None, url: str | None, best: bool, why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        read_notifications(command, url, best=best)
