from __future__ import annotations

import os
import socket
import stat
import threading
from pathlib import Path

import pytest

from fmnist_tui.errors import RunError
from fmnist_tui.runs.queue import store
from fmnist_tui.runs.queue.store import Entry, Queue, existing_queues, this_queue


def entry(name: str, **changes: object) -> Entry:
    return Entry(run=f"/runs/{name}", created=1.0, needs="cpu", **changes)  # type: ignore[arg-type]


def test_a_queue_that_was_never_used_is_empty_and_makes_nothing(tmp_path: Path) -> None:
    queue = Queue(tmp_path / "queue")
    assert queue.read() == ()
    assert not queue.holds(Path("/runs/v0"))
    assert not queue.folder.exists()


def test_the_order_is_read_as_it_was_written(queue: Queue) -> None:
    entries = [
        entry("a", gpus=(("GPU-1", 0), ("GPU-2", 1)), environment="environment-1.json"),
        entry("b", cpus=(0, 1), cpu_count=2, threads=2, in_app="/state/ticket", umask=0o027, nice=19),
    ]
    with queue.locked():
        queue.write(entries)
        assert queue.read() == tuple(entries)


def test_what_a_later_version_added_is_ignored(queue: Queue) -> None:
    with queue.locked():
        queue.order_file.write_text(
            '{"format":1,"later":1,"entries":[{"run":"/runs/a","created":1.0,"needs":"cpu","colour":3}]}'
        )
    assert queue.read() == (entry("a"),)


@pytest.mark.parametrize("content", ["{", "[]", '{"entries": 5}', '{"entries": [{"run": 7}]}', "\0" * 100, "é" * 3])
def test_a_damaged_order_is_put_aside_and_the_queue_goes_on(queue: Queue, content: str) -> None:
    with queue.locked():
        queue.order_file.write_text(content)
        assert queue.read() == ()
        queue.write([entry("a")])
        assert queue.read() == (entry("a"),)
    (aside,) = queue.folder.glob("queue.damaged-*")
    assert aside.read_text() == content


def test_a_run_is_found_in_the_queue_by_whichever_path_it_is_reached(queue: Queue, tmp_path: Path) -> None:
    run = tmp_path / "runs" / "v0-20260101-120000-0000"
    run.mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "runs")
    with queue.locked():
        queue.write([Entry(run=str(run), created=1.0, needs="cpu")])
    assert queue.holds(run)
    assert queue.holds(tmp_path / "link" / run.name)
    assert not queue.holds(tmp_path / "other" / run.name)
    with queue.locked():
        queue.write([])
    assert not queue.holds(run)


def test_the_order_is_read_again_only_where_it_has_changed(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    with queue.locked():
        queue.write([entry("a")])
    reads: list[Queue] = []
    real = Queue.read

    def counted(queue: Queue) -> tuple[Entry, ...]:
        reads.append(queue)
        return real(queue)

    monkeypatch.setattr(Queue, "read", counted)
    for _ in range(100):
        assert queue.holds(Path("/runs/a"))
    assert len(reads) == 1


def test_one_at_a_time_changes_the_order(queue: Queue) -> None:
    def add(name: str) -> None:
        with queue.locked():
            queue.write([*queue.read(), entry(name)])

    threads = [threading.Thread(target=add, args=(str(number),)) for number in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {one.run for one in queue.read()} == {f"/runs/{number}" for number in range(30)}


def test_a_queue_that_somebody_keeps_locked_is_one_line(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "_PATIENCE", 0.1)
    line = r"^the queue in .* has been locked for .* s; try again$"
    with queue.locked(), pytest.raises(RunError, match=line), queue.locked():
        pass


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    line = r"^can't write the queue in .* \(Not a directory\); .*XDG_STATE_HOME$"
    with pytest.raises(RunError, match=line), Queue(tmp_path / "file" / "queue").locked():
        pass


# The environment of whoever asked


def test_environments_come_back_as_they_were_and_are_for_nobody_else(queue: Queue) -> None:
    environ = {"PATH": "/bin", "NAME": "Jörg 火", "BYTES": os.fsdecode(b"\xff\xfe"), "EMPTY": ""}
    with queue.locked():
        name = queue.save_environment(environ)
        assert queue.save_environment(environ) == name
    assert queue.read_environment(name) == environ
    assert stat.S_IMODE(queue.folder.stat().st_mode) == 0o700


def test_environments_that_no_run_needs_any_more_are_removed(queue: Queue) -> None:
    with queue.locked():
        one, other = queue.save_environment({"A": "1"}), queue.save_environment({"A": "2"})
        queue.write([entry("a", environment=one)])
    assert [path.name for path in queue.folder.glob("environment-*")] == [one]
    assert queue.read_environment(other) == dict(os.environ)


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "", "environment-gone.json"])
def test_an_environment_is_looked_for_in_the_queue_alone(queue: Queue, name: str) -> None:
    assert queue.read_environment(name) == dict(os.environ)


# Which queue


def test_there_is_one_queue_for_each_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "node-a")
    first = this_queue(tmp_path, {})
    monkeypatch.setattr(socket, "gethostname", lambda: "node-b")
    assert this_queue(tmp_path, {}) != first
    monkeypatch.setattr(socket, "gethostname", lambda: "../../evil host\n")
    assert this_queue(tmp_path, {}).folder.parent == first.folder.parent
    monkeypatch.setattr(socket, "gethostname", lambda: "..")
    assert this_queue(tmp_path, {}).folder.resolve().parent == first.folder.parent


def test_a_slurm_job_has_a_queue_of_its_own(tmp_path: Path) -> None:
    jobs = [this_queue(tmp_path, {"SLURM_JOB_ID": job}).folder.name for job in ("17", "18")]
    assert len({*jobs, this_queue(tmp_path, {}).folder.name}) == 3


def test_only_queues_that_were_used_are_looked_at(queue: Queue) -> None:
    assert queue not in existing_queues()
    with queue.locked():
        queue.write([])
    assert queue in existing_queues()
