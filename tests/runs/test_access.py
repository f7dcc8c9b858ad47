from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from fmnist_tui.errors import RunError
from fmnist_tui.runs.access import check_readable, owner_of, refused
from fmnist_tui.runs.control import send_command
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.event_log import EventLog
from fmnist_tui.runs.launch import launch
from fmnist_tui.runs.lock import acquire, holding
from fmnist_tui.training.events import Command


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    made = RunDirectory(tmp_path / "v0-20260101-120000-00ff")
    made.path.mkdir()
    return made


def error(number: int, path: Path | None = None) -> OSError:
    return OSError(number, os.strerror(number), *([str(path)] if path else []))


def test_a_refusal_says_whose_the_file_is(run: RunDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    run.control.touch()
    line = str(refused("write it", run.path, error(errno.EACCES, run.control)))
    assert line == f"can't write it (Permission denied); it is yours: chmod -R u+rwX {run.control}"
    monkeypatch.setattr("os.getuid", lambda: 98_765)
    owner = owner_of(run.path)
    line = str(refused("write it", run.path, error(errno.EACCES, run.control)))
    assert line.startswith(f"can't write it (Permission denied); it belongs to {owner}")
    assert line.rstrip(")").endswith(f"chmod -R g+rwX {run.control}")
    line = str(refused("delete it", run.path, error(errno.EPERM)))
    assert line == f"can't delete it (Operation not permitted); it belongs to {owner}, and only they may do so"


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        (errno.EROFS, "use a machine with write access to it"),
        (errno.ENOSPC, "free some space, then: fmnist-tui resume x"),
        (errno.EDQUOT, "free some space, then: fmnist-tui resume x"),
        (errno.EIO, "fix that, then: fmnist-tui resume x"),
    ],
)
def test_a_refusal_says_what_helps(run: RunDirectory, number: int, advice: str) -> None:
    assert str(refused("do it", run.path, error(number), "fmnist-tui resume x")).endswith(f"; {advice}")


def test_nobody_is_asked_to_open_what_a_link_leads_to(run: RunDirectory, tmp_path: Path) -> None:
    link = RunDirectory(tmp_path / "v0-20260101-120000-0100")
    link.path.symlink_to("/")
    line = str(refused("delete it", link.path, error(errno.EACCES, link.path)))
    assert line.endswith(f"it is a link to /, which belongs to {owner_of(Path('/'))}")


def test_a_run_that_can_be_read_is_no_error(run: RunDirectory) -> None:
    check_readable(run)


def test_no_link_is_written_through(run: RunDirectory, tmp_path: Path) -> None:
    """In a folder that others can write, it may lead to any file of the user who trains."""
    precious = tmp_path / "precious"
    precious.touch()
    for path in (run.events, run.train_log, run.control):
        path.symlink_to(precious)
    with pytest.raises(OSError, match="it is a symbolic link"):
        EventLog(run.events)
    with pytest.raises(RunError, match=r"^can't start a trainer for .* \(it is a symbolic link\); "):
        launch(run)
    with (
        holding(acquire(run)),
        pytest.raises(RunError, match=r"^can't write .*control\.jsonl \(it is a symbolic link\); "),
    ):
        send_command(run, Command.PAUSE)
    run.lock.unlink()
    run.lock.symlink_to(precious)
    with pytest.raises(RunError, match=r"\(it is a symbolic link\)"):
        acquire(run)
    assert precious.read_bytes() == b""


def test_a_command_gets_through_where_the_file_of_commands_is_another_users(
    run: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    run.control.write_text('{"command":"save"}')

    def refuse(path: Path) -> None:
        raise error(errno.EACCES, path)

    monkeypatch.setattr("fmnist_tui.runs.control.open_append", refuse)
    with holding(acquire(run)):
        send_command(run, Command.PAUSE)
    first, second = run.control.read_text().splitlines()
    assert first == '{"command":"save"}'
    assert '"pause"' in second


def test_the_size_of_a_run_that_is_a_link_to_a_whole_disk_takes_no_time(
    run: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fmnist_tui.runs.directory._MOST_FILES", 3)
    for number in range(10):
        (run.path / str(number)).write_bytes(bytes(100))
    assert run.size() == 300
