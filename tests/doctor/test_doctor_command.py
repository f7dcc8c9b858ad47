from __future__ import annotations

import json
from pathlib import Path

import pytest

from fmnist_tui.host.gpu import Gpu
from fmnist_tui.host.gpu_sources import LIBRARY
from fmnist_tui.host.processes import CommandResult

from .conftest import Doctor
from .machines import gpus_reported

CHECKS = [
    *("terminal", "colours", "characters", "session", "clipboard", "cpu", "libraries"),
    *("runs folder", "disk", "runs", "home", "queue", "cache", "logout", "trainer", "data", "torch"),
]
NO_TORCH = {"torch_probe": CommandResult(1, "", "ModuleNotFoundError: No module named 'torch'\n")}


def test_a_machine_with_nothing_wrong_has_a_line_for_each_check(doctor: Doctor) -> None:
    outcome = doctor("--data", "demo")
    assert (outcome.status, outcome.err) == (0, "")
    assert [line[9:21].strip() for line in outcome.lines if not line.startswith(" ")] == CHECKS
    assert outcome.lines[0] == "ok       terminal     TERM=xterm-256color, 80x24"


def test_advice_is_below_its_check(doctor: Doctor) -> None:
    lines = doctor("--data", "demo", environ={"TERM": "xterm-256color", "LANG": "C"}).lines
    place = next(number for number, line in enumerate(lines) if line.startswith("note     characters"))
    assert lines[place + 1] == "                      -> if your terminal supports UTF-8: export LC_ALL=C.UTF-8"


def test_notes_are_no_failure_and_problems_are(doctor: Doctor) -> None:
    assert doctor("--data", "demo", environ={"SLURM_JOB_ID": "7"}, size=None).status == 0
    outcome = doctor("--data", "demo", free=0, answers=NO_TORCH)
    assert outcome.status == 1
    assert outcome.complaint == "2 problems (disk, torch); see the advice above"


def test_json_has_the_keys_of_the_contract(doctor: Doctor) -> None:
    rows = doctor("--json", "--data", "demo").json
    assert [row["check"] for row in rows] == CHECKS
    for row in rows:
        assert list(row) == ["check", "state", "message", "advice"]
        assert all(isinstance(value, str) for value in row.values())
        assert row["state"] in ("ok", "note", "problem")


def test_json_is_whole_where_there_is_a_problem(doctor: Doctor) -> None:
    outcome = doctor("--json", "--data", "demo", answers=NO_TORCH)
    assert outcome.status == 1
    (row,) = [row for row in json.loads(outcome.out) if row["state"] == "problem"]
    assert row["check"] == "torch"
    assert outcome.complaint.startswith("1 problem (torch)")


def test_a_gpu_has_a_line_where_there_is_one(doctor: Doctor) -> None:
    gpu = Gpu("GPU-5f3a9c01-7d1e-4c43-b4a1-4a7f6c1d0a11", 0, "NVIDIA H100", 85_000_000_000, 80_000_000_000, 3)
    answers = {"host.gpus": gpus_reported(visible=(gpu,), driver="550")}
    rows = doctor("--json", "--data", "demo", libraries=[LIBRARY], answers=answers).json
    assert [row["check"] for row in rows][-2:] == ["gpu", "torch"]
    assert "cuda:0 NVIDIA H100 GPU-5f3a9c01" in rows[-2]["message"]


@pytest.mark.parametrize("flags", [(), ("--json",)])
def test_text_from_elsewhere_cannot_move_the_cursor(doctor: Doctor, flags: tuple[str, ...]) -> None:
    evil = "\x1b[2J\x9b31m\r\nok       torch \udc80"
    outcome = doctor(
        *flags,
        *("--data", "demo"),
        environ={"TERM": f"xterm{evil}", "LANG": evil, "SLURM_JOB_ID": evil},
        files={"proc/cpuinfo": "model name\t: \x1b]0;x\x07\n"},
        answers={"torch_probe": CommandResult(1, "", f"ImportError: {evil}")},
    )
    assert outcome.out.replace("\n", "").isprintable()
    assert "xterm [2J 31m" in outcome.out


def test_the_folders_are_those_of_the_options(doctor: Doctor, tmp_path: Path) -> None:
    rows = doctor("--json", "--runs", tmp_path / "mine", "--data", "demo").json
    message = {row["check"]: row["message"] for row in rows}
    assert str(tmp_path / "mine") in message["runs folder"]
    assert "demo" in message["data"]
    outcome = doctor("--data", tmp_path / "nowhere")
    assert outcome.complaint == "1 problem (data); see the advice above"


def test_nothing_is_written(doctor: Doctor, tmp_path: Path) -> None:
    doctor("--runs", tmp_path / "runs", "--data", "demo")
    assert {path.name for path in tmp_path.iterdir()} <= {"root"}


def test_without_a_home_the_rest_is_checked_all_the_same(
    doctor: Doctor, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def no_home(_: str) -> str:
        raise RuntimeError

    for kind in ("data", "cache", "config", "state"):
        monkeypatch.setattr(f"platformdirs.user_{kind}_dir", no_home)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    outcome = doctor("--json", "--data", "demo")
    assert outcome.complaint.startswith("1 problem (runs folder)")
    rows = {row["check"]: row for row in json.loads(outcome.out)}
    assert rows["runs folder"]["advice"] == "export HOME, or name a folder with --runs DIR"
    assert {rows[name]["state"] for name in ("home", "queue", "cache")} == {"note"}
    assert "torch" in rows
