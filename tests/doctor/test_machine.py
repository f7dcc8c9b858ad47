from __future__ import annotations

import errno
import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

from fmnist_tui.doctor.logout import logout_check
from fmnist_tui.host.machine import Locks, this_machine

GIVEN = "from fmnist_tui.host.terminal import given_environment; print(given_environment().get('LC_CTYPE'))"
ENVIRONMENTS = [({"LC_CTYPE": "C.UTF-8"}, "C.UTF-8")]
if Path("/proc/self/environ").exists():  # else nobody can tell who set it
    ENVIRONMENTS += [({"LANG": "C"}, ""), ({"LANG": "C", "LC_CTYPE": ""}, "")]


def test_this_machine_answers_everything(tmp_path: Path) -> None:
    machine = this_machine()
    assert 1 <= machine.cpus[0] <= machine.cpus[1]
    assert machine.user()
    assert machine.free_bytes(tmp_path) > 0
    assert machine.locks(tmp_path) is (Locks.OPEN_FILE if hasattr(fcntl, "F_OFD_SETLK") else Locks.FLOCK)
    assert list(tmp_path.iterdir()) == []
    assert not machine.has_library("no-such-library.so.1")
    assert machine.version_of("numpy")
    assert machine.version_of("no-such-package") is None
    assert machine.ask("true").status == 0
    assert machine.read("no/such/file") == ""
    assert logout_check(machine).check == "logout"


def test_a_folder_that_cannot_be_written_raises(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="Not a directory"):
        this_machine().locks(tmp_path / "file")


def test_a_file_system_with_flock_alone_is_recognised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))

    monkeypatch.setattr(fcntl, "fcntl", refuse)
    assert this_machine().locks(tmp_path) is Locks.FLOCK


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP])
def test_a_file_system_without_locks_is_recognised(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", refuse)
    assert this_machine().locks(tmp_path) is Locks.NONE


def test_a_user_without_a_name_is_named_by_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 987_654)
    assert this_machine().user() == "987654"


@pytest.mark.parametrize(("environ", "given"), ENVIRONMENTS)
def test_what_python_adds_to_a_c_locale_is_not_mistaken_for_the_users_own(environ: dict[str, str], given: str) -> None:
    rest = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "LANG"))}
    done = subprocess.run(
        [sys.executable, "-c", GIVEN], env={**rest, **environ}, capture_output=True, check=True, encoding="utf-8"
    )
    assert done.stdout.strip() == given
