"""The command as a real process, on this machine, with a PyTorch that takes no time."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable

import psutil
import pytest
from cli.commands import PROGRAM, Outcome, call
from cli.terminal import Terminal, terminal
from leftovers import has_ended
from waiting import PATIENCE, wait_until

Put = Callable[[str], None]

GOOD = """
class Anything:
    def __init__(self, **parts): self.__dict__.update(parts)
__version__ = "2.13.0+fake"
version = Anything(cuda=None, hip=None)
backends = Anything(mps=Anything(is_available=lambda: False))
"""
TORCH = f"{GOOD}\nprint('noise')"


def row(outcome: Outcome, check: str) -> dict[str, str]:
    found: list[dict[str, str]] = [row for row in json.loads(outcome.out) if row["check"] == check]
    assert len(found) == 1
    return found[0]


@pytest.mark.parametrize(
    ("module", "message"),
    [
        ("raise ModuleNotFoundError(\"No module named 'torch'\")", "PyTorch isn't installed"),
        pytest.param(
            "raise ImportError('libtorch_cpu.so: undefined symbol: x')",
            "broken (ImportError: libtorch_cpu.so: undefined",
            marks=pytest.mark.slow,
        ),
        ("raise OSError('libcudart.so.12: cannot open shared object file')", "broken (OSError: libcudart.so.12"),
        pytest.param("", "broken (AttributeError: ", marks=pytest.mark.slow),
        ("import os; os.kill(os.getpid(), 9)", "crashes (Killed"),
    ],
)
def test_a_pytorch_that_is_missing_or_broken_is_one_line(fake_torch: Put, module: str, message: str) -> None:
    fake_torch(module)
    outcome = call("doctor", "--json", "--data", "demo")
    assert outcome.status == 1
    assert "Traceback" not in outcome.out + outcome.err
    found = row(outcome, "torch")
    assert found["state"] == "problem"
    assert message in found["message"]


def test_a_pytorch_that_works_is_reported(fake_torch: Put) -> None:
    fake_torch(TORCH)
    assert row(call("doctor", "--json", "--data", "demo"), "torch")["message"].startswith(
        "PyTorch 2.13.0+fake (CPU build"
    )


def test_the_environment_is_believed(fake_torch: Put) -> None:
    fake_torch(GOOD)
    outcome = call(
        "doctor",
        *("--json", "--data", "demo"),
        TERM="dumb",
        LANG="C",
        LC_CTYPE="",
        LC_ALL="",
        TMUX="/nowhere/at/all,1,0",
        SLURM_JOB_ID="4711",
    )
    assert row(outcome, "colours")["message"] == "none, according to TERM"
    assert row(outcome, "characters")["message"] == "not UTF-8 (LANG=C): the app draws in ASCII"
    assert row(outcome, "session")["message"].endswith("inside tmux, which doesn't respond")
    assert row(outcome, "logout")["message"] == "runs end with Slurm job 4711"


def test_its_lines_are_whole_and_plain_in_a_pipe(fake_torch: Put) -> None:
    fake_torch(GOOD)
    outcome = call("doctor", "--data", "demo")
    assert outcome.out.replace("\n", "").isprintable()
    assert max(map(len, outcome.lines)) > 80


def test_closed_streams_do_not_keep_it_from_its_work(fake_torch: Put) -> None:
    fake_torch("raise ImportError('no')")
    done = subprocess.run(
        ["/bin/sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", *PROGRAM, "doctor", "--data", "demo"],
        check=False,
        timeout=PATIENCE,
    )
    assert done.returncode == 1


def test_a_reader_that_goes_away_ends_it_without_a_word(fake_torch: Put) -> None:
    fake_torch("import time; time.sleep(300)")
    with subprocess.Popen(
        [*PROGRAM, "doctor", "--data", "demo"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8"
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(PATIENCE) == 1


def test_rows_come_while_pytorch_takes_its_time_and_ctrl_c_ends_both(fake_torch: Put) -> None:
    fake_torch("import time; time.sleep(300)")
    with terminal("doctor", "--data", "demo") as screen:
        screen.wait_for(lambda message: "demo set" in message.text, "the data's row was there")
        assert "torch" not in screen.text.splitlines()[-1]
        children = _children(screen)
        assert len(children) == 1
        screen.press("\x03")
        assert screen.status() == 130
        wait_until(lambda: all(map(has_ended, children)), "PyTorch's process was ended")
        assert "Traceback" not in screen.text


def test_on_a_terminal_states_are_coloured_and_lines_broken(fake_torch: Put) -> None:
    fake_torch(GOOD)
    with terminal("doctor", "--data", "demo", columns=60, rows=50) as screen:
        assert screen.status() == 0
    assert b"\x1b[32mok" in screen.sent
    lines = screen.text.splitlines()
    assert lines[0] == "ok       terminal     TERM=xterm-256color, 60x50: large"
    wrapped = [line for line in lines if line.startswith(" " * 22)]
    assert len(wrapped) > 3


def test_on_a_terminal_colours_can_be_forbidden(fake_torch: Put) -> None:
    fake_torch(GOOD)
    with terminal("doctor", "--data", "demo", NO_COLOR="1") as screen:
        assert screen.status() == 0
    assert b"\x1b" not in screen.sent


def _children(screen: Terminal) -> list[int]:
    return [child.pid for child in psutil.Process(screen.process.pid).children(recursive=True)]
