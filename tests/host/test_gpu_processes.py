"""Who else uses a GPU."""

from __future__ import annotations

import os
import pwd
from collections.abc import Callable
from pathlib import Path

import pytest

from fmnist_tui.host import gpu as gpu_processes
from fmnist_tui.host.gpu import Gpu, GpuProcess, others_on, others_text

from .conftest import See, Use
from .fake_nvml import FakeGpu, FakeNvml, Processes, uuid

GB = 10**9
TRAINER = ["python", "-m", "fmnist_tui.runs.trainer_process", "/runs/v3", "5", "0"]

Start = Callable[..., None]


@pytest.fixture
def start(proc: Path) -> Start:
    """Puts a process into /proc; one that has `files` open, None for those of another user."""

    def start(pid: int, command: list[str], files: list[str] | None = None) -> None:
        folder = proc / str(pid)
        folder.mkdir()
        (folder / "cmdline").write_bytes(b"".join(os.fsencode(part) + b"\0" for part in command))
        (folder / "comm").write_text("comm\n")
        if files is not None:
            (folder / "fd").mkdir()
            for number, target in enumerate(files):
                (folder / "fd" / str(number)).symlink_to(target)

    return start


@pytest.fixture
def user() -> str:
    return pwd.getpwuid(os.getuid()).pw_name


def gpu_with(
    use: Use, see: See, compute: Processes, used: int, graphics: Processes | None = None, busy: int = 0
) -> Gpu:
    use(FakeNvml([FakeGpu(uuid(0), used=used, busy=busy, compute=compute, graphics=graphics or {})]))
    return see().visible[0]


def test_a_process_is_named_with_its_user_and_memory(use: Use, see: See, start: Start, user: str) -> None:
    start(41, ["/opt/conda/bin/python", "train.py"], ["/dev/null", "/dev/nvidia0"])
    gpu = gpu_with(use, see, {41: 12_300_000_000}, 12_400_000_000)
    assert others_on(gpu) == (GpuProcess(41, user, "python", 12_300_000_000),)
    assert others_text(gpu, others_on(gpu)) == f"GPU 0 (H200) is also used by {user}: python (12.3 GB)"


def test_another_user_and_one_without_a_name_are_others(
    use: Use, see: See, start: Start, proc: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start(41, TRAINER)
    start(42, ["java"])
    monkeypatch.setattr(os, "getuid", lambda: 77_777)
    names = {(proc / "41").stat().st_uid: "alice"}
    monkeypatch.setattr(gpu_processes, "user_name", lambda uid: names.pop(uid, "4711"))
    gpu = gpu_with(use, see, {41: GB, 42: None}, 2 * GB)
    assert others_text(gpu, others_on(gpu)) == "GPU 0 (H200) is also used by alice: python (1.0 GB), 4711: java"


def test_trainers_of_this_user_are_no_others(use: Use, see: See, start: Start) -> None:
    start(41, TRAINER, ["/dev/nvidia0"])
    start(42, ["/usr/bin/python3", "/home/ada/.local/bin/fmnist-tui", "train", "v1"], ["/dev/nvidiactl"])
    start(43, ["python", "mine.py"], ["/dev/nvidia0"])
    gpu = gpu_with(use, see, {41: GB, 42: GB, 43: GB}, 3 * GB)
    assert [process.pid for process in others_on(gpu)] == [43]
    assert others_on(gpu, own_pids=[43]) == ()


def test_a_desktop_is_no_other(use: Use, see: See, start: Start) -> None:
    assert others_on(gpu_with(use, see, {}, GB, graphics={1: 900_000_000}, busy=30)) == ()
    assert others_on(gpu_with(use, see, {}, 3 * GB, graphics={1: 900_000_000})) != ()


@pytest.mark.parametrize("files", [None, [], ["/dev/null", "socket:[1]"]])
def test_a_number_of_another_namespace_is_nobody_that_this_machine_shows(
    use: Use, see: See, start: Start, files: list[str] | None
) -> None:
    if files is not None:
        start(41, ["bash"], files)
    gpu = gpu_with(use, see, {41: 12_300_000_000}, 12_400_000_000)
    assert others_text(gpu, others_on(gpu)) == (
        "GPU 0 (H200) is also used by processes that are not visible here (12.4 GB)"
    )


def test_memory_that_no_process_holds_is_somebodys(use: Use, see: See) -> None:
    gpu = gpu_with(use, see, {}, 5 * GB)
    assert others_on(gpu) == (GpuProcess(0, "", "", 5 * GB),)
    assert others_on(gpu_with(use, see, {}, 200_000_000)) == ()


def test_a_busy_gpu_without_processes_is_somebodys(use: Use, see: See) -> None:
    gpu = gpu_with(use, see, {}, 0, busy=60)
    assert others_text(gpu, others_on(gpu)) == "GPU 0 (H200) is also used by processes that are not visible here"
    assert others_on(gpu_with(use, see, {}, 0, busy=3)) == ()


def test_where_no_process_is_shown_what_is_used_may_be_ours(use: Use, see: See) -> None:
    assert others_on(gpu_with(use, see, {}, 5 * GB, busy=90), own_pids=[7]) == ()


def test_memory_beside_our_own_process_is_somebodys(use: Use, see: See, start: Start) -> None:
    start(7, ["python", "-c", "run"], ["/dev/nvidia0"])
    gpu = gpu_with(use, see, {7: GB}, 9 * GB)
    assert others_on(gpu, own_pids=[7]) == (GpuProcess(0, "", "", 8 * GB),)


def test_many_are_summed_up_and_hostile_names_are_made_safe(use: Use, see: See, start: Start) -> None:
    for pid in range(1, 6):
        start(pid, ["\x1b[2J\n"], ["/dev/nvidia0"])
    gpu = gpu_with(use, see, dict.fromkeys(range(1, 6)), 0)
    text = others_text(gpu, others_on(gpu))
    assert text.endswith(", 2 more")
    assert text.isprintable()
    assert others_text(gpu, ()) == ""
