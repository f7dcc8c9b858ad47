"""Every command can print in any encoding, with labels and folders in any script."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from waiting import PATIENCE

from fmnist_tui.files import read_json
from fmnist_tui.runs.directory import RunDirectory

from .commands import TINY, copy_of, edit, newest

CALLS = """
import json, os, sys
from fmnist_tui.cli import main

for number, arguments in enumerate(json.loads(sys.argv[1])):
    for stream, name in ((sys.stdout, "out"), (sys.stderr, "err")):
        stream.flush()
        file = os.open(f"{number}.{name}", os.O_WRONLY | os.O_CREAT)
        os.dup2(file, stream.fileno())
        os.close(file)
    sys.argv = ["fmnist-tui", *(os.fsdecode(bytes.fromhex(argument)) for argument in arguments)]
    try:
        main()
    except SystemExit:
        pass
"""
"""Calls one command after the other in one process, each into files of its own."""

NO_UTF8 = {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
SPEECH = [
    pytest.param({"LC_ALL": "C"}, "utf-8", id="C", marks=pytest.mark.slow),
    pytest.param(NO_UTF8, "ascii", id="POSIX"),
    pytest.param({"PYTHONIOENCODING": "utf-16"}, "utf-16", id="utf-16"),
    *(
        pytest.param({"PYTHONIOENCODING": encoding}, encoding.partition(":")[0], id=encoding, marks=pytest.mark.slow)
        for encoding in ("ascii", "latin-1:strict", "cp1252", "utf-8:strict")
    ),
]
NAME = "日本語 👍 é"


@pytest.fixture
def labelled(finished: RunDirectory, tmp_path: Path) -> RunDirectory:
    """A finished run in a folder whose name is of no encoding."""
    run = copy_of(finished, Path(os.fsdecode(os.fsencode(tmp_path / "ラン") + b"\xff")))
    edit(run.label, name=NAME, note="± …", tags=["🇩🇪"])
    edit(run.run_json, device_name="café 東", data={"source": "/データ", "name": "データ"})
    return run


def output_of(calls: list[list[str]], environment: dict[str, str], folder: Path) -> list[tuple[bytes, bytes]]:
    """Standard output and standard error of each call."""
    encoded = json.dumps([[os.fsencode(argument).hex() for argument in call] for call in calls])
    process = subprocess.run(
        [sys.executable, "-c", CALLS, encoded],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **environment},
        stdin=subprocess.DEVNULL,
        check=False,
        capture_output=True,
        timeout=PATIENCE,
    )
    assert process.returncode == 0, process.stderr
    return [
        ((folder / f"{number}.out").read_bytes(), (folder / f"{number}.err").read_bytes())
        for number in range(len(calls))
    ]


@pytest.mark.parametrize(("environment", "encoding"), SPEECH)
def test_every_command_prints_in_every_encoding(
    labelled: RunDirectory, tmp_path: Path, environment: dict[str, str], encoding: str
) -> None:
    fine = ["runs", "show last", "label last", "results", "results --all", "attach last", "data --data demo"]
    fine += ["results --all --format markdown", "results --all --format csv", "analyse last --only efficiency"]
    machine = ["runs --json", "show last --json", "label last --json", "results --format json"]
    wrong = ["show 日本", "pause last", "resume last", "delete last", "train v0 --data /東京", "train vß", "nix日本"]
    where = ["--runs", str(labelled.path.parent)]
    commands = [*fine, *machine, *wrong]
    calls = [[*command.split(), *([] if "demo" in command else where)] for command in commands]
    calls += [["show", NAME, *where], ["label", "last", "--note", "über 東京", *where]]
    printed = output_of(calls, environment, tmp_path)
    for number, (call, (out, err)) in enumerate(zip(calls, printed, strict=True)):
        text, complaint = out.decode(encoding), err.decode(encoding)
        assert "Traceback" not in complaint, call
        assert "Unicode" not in complaint, call
        if len(commands) > number >= len(commands) - len(wrong):
            assert complaint.startswith("error: "), (call, complaint)
            assert len(complaint.splitlines()) == 1
        else:
            assert text, (call, complaint)
            assert "error" not in complaint
        if "json" in call or "--json" in call:
            assert json.loads(text) is not None
    assert (read_json(labelled.label) or {})["note"] == "über 東京"


def test_a_run_in_a_folder_of_any_name_is_trained_where_the_locale_is_ascii(tmp_path: Path) -> None:
    runs = os.fsdecode(os.fsencode(tmp_path / "ラン") + b"\xff")
    ((out, err),) = output_of([["train", "v0", *TINY, "--runs", runs]], NO_UTF8, tmp_path)
    assert (err, out.isascii(), b": test accuracy " in out.splitlines()[-1]) == (b"", True, True)
    assert newest(Path(runs)).result.exists()


@pytest.mark.slow
def test_an_export_of_a_run_with_any_label_draws_and_writes_it_without_a_warning(
    labelled: RunDirectory, tmp_path: Path
) -> None:
    arguments = ["export", "last", "--to", str(tmp_path / "出力"), "--runs", str(labelled.path.parent)]
    ((out, err),) = output_of([arguments], NO_UTF8, tmp_path)
    assert (err, out.isascii()) == (b"", True)
    assert {path.suffix for path in (tmp_path / "出力").rglob("*.*")} >= {".csv", ".json", ".png", ".svg"}
