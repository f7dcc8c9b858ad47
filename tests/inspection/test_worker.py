"""The process that holds the networks, and the client that starts it, with real runs."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from queue import Queue

import numpy as np
import pytest
from leftovers import has_ended, nothing_left_behind
from numpy.typing import NDArray
from sharing import three_short_epochs
from waiting import PATIENCE, wait_until

from fmnist_tui.data import load
from fmnist_tui.inspection.client import COMMAND, InspectionClient
from fmnist_tui.inspection.requests import Answer, Done, Failed, Packed, Predict, Probabilities
from fmnist_tui.models.source import ModelSource, current
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.scored_model import load_scored_model

V1 = Path(__file__).parents[2] / "assets/reference/runs/v1-20261126-152705-06f6"
Answers = Queue[Answer]
Image = NDArray[np.uint8]
Make = Callable[..., InspectionClient]


@pytest.fixture(scope="module")
def v0(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    return three_short_epochs(tmp_path_factory)


def in_a_thread(work: Callable[[], object]) -> None:
    threading.Thread(target=work).start()


@pytest.fixture
def make_client(tmp_path: Path) -> Iterator[Make]:
    """Its process and its threads have ended after the test."""
    made: list[InspectionClient] = []

    def make(*command: str, **options: float) -> InspectionClient:
        made.append(InspectionClient(in_a_thread, command or None, **options))
        return made[-1]

    with nothing_left_behind(tmp_path, patience=10):
        yield make
        for client in made:
            client.close()


def garment(tmp_path: Path, index: int = 0) -> Image:
    image: Image = load("demo", tmp_path).test.images[index]
    return image


def asked(client: InspectionClient, run: Path, image: Image) -> Answers:
    answers: Answers = Queue()
    client.send(Predict(run=str(run), image=Packed.of(image)), answers.put)
    return answers


def writing_its_pid(file: Path) -> list[str]:
    """The process's command, which first writes its id into the file."""
    script = "import os,sys; open(sys.argv[1],'w').write(str(os.getpid())); os.execv(sys.argv[2],sys.argv[2:])"
    return [sys.executable, "-c", script, str(file), *COMMAND]


def test_networks_of_both_frameworks_answer_as_in_this_process(
    v0: RunDirectory, make_client: Make, tmp_path: Path
) -> None:
    client, image = make_client(), garment(tmp_path)
    answers = {run: asked(client, run, image) for run in (V1, v0.path)}
    for run, found in answers.items():
        answer = found.get(timeout=PATIENCE)
        assert isinstance(answer, Probabilities)
        expected = load_scored_model(RunDirectory(run), "cpu", 1).predict(image[None])[0]
        np.testing.assert_allclose(answer.values, expected, atol=1e-5)
        assert isinstance(found.get(timeout=PATIENCE), Done)


def test_of_a_burst_the_last_request_is_answered_and_answers_come_in_order(
    v0: RunDirectory, make_client: Make, tmp_path: Path
) -> None:
    client, image = make_client(), garment(tmp_path)
    answers: Answers = Queue()
    numbers = [
        client.send(Predict(run=str(v0.path), image=Packed.of(np.full_like(image, value))), answers.put)
        for value in range(100)
    ]
    seen = [answers.get(timeout=PATIENCE)]
    while not (isinstance(seen[-1], Done) and seen[-1].number == numbers[-1]):
        seen.append(answers.get(timeout=PATIENCE))
    assert len(seen) < 100, "most were replaced by newer ones"
    assert [one.number for one in seen] == sorted(one.number for one in seen)
    last = next(one for one in seen if isinstance(one, Probabilities) and one.number == numbers[-1])
    expected = load_scored_model(v0, "cpu", 1).predict(np.full((1, 1, 28, 28), 99, np.uint8))[0]
    np.testing.assert_allclose(last.values, expected, atol=1e-5)


def test_a_run_that_was_retrained_is_loaded_again_and_one_that_is_gone_is_reported(
    v0: RunDirectory, make_client: Make, tmp_path: Path
) -> None:
    client, image = make_client(), garment(tmp_path)
    copy = RunDirectory(Path(shutil.copytree(v0.path, tmp_path / v0.run_id)))
    assert isinstance(asked(client, copy.path, image).get(timeout=PATIENCE), Probabilities)
    copy.model.unlink()
    answers = asked(client, copy.path, image)
    failed = answers.get(timeout=PATIENCE)
    assert isinstance(failed, Failed)
    assert "has no model.safetensors" in failed.reason
    assert isinstance(answers.get(timeout=PATIENCE), Done)
    lost = asked(client, tmp_path / "nowhere", image).get(timeout=PATIENCE)
    assert isinstance(lost, Failed)
    assert "\n" not in lost.reason


def test_a_crash_is_one_line_and_the_next_request_starts_the_process_again(
    v0: RunDirectory, make_client: Make, tmp_path: Path
) -> None:
    file = tmp_path / "pid"
    client, image = make_client(*writing_its_pid(file)), garment(tmp_path)
    assert isinstance(asked(client, v0.path, image).get(timeout=PATIENCE), Probabilities)
    pid = int(file.read_text())
    os.kill(pid, signal.SIGSTOP)
    answers = asked(client, v0.path, image)
    os.kill(pid, signal.SIGKILL)
    failed = answers.get(timeout=PATIENCE)
    assert isinstance(failed, Failed)
    assert failed.reason.startswith("the process that holds the networks ended (signal 9")
    assert isinstance(asked(client, v0.path, image).get(timeout=PATIENCE), Probabilities)
    assert int(file.read_text()) != pid


def test_it_ends_once_nobody_holds_it_and_starts_again_when_asked(
    v0: RunDirectory, make_client: Make, tmp_path: Path
) -> None:
    file = tmp_path / "pid"
    client, image = make_client(*writing_its_pid(file), rest_seconds=0.2), garment(tmp_path)
    client.hold("one")
    client.hold("another")
    answers = asked(client, v0.path, image)
    client.release("one")
    assert isinstance(answers.get(timeout=PATIENCE), Probabilities)
    assert isinstance(answers.get(timeout=PATIENCE), Done)
    pid = int(file.read_text())
    time.sleep(0.5)
    assert not has_ended(pid), "one of two still holds it"
    client.release("another")
    wait_until(lambda: has_ended(pid), "it has ended")
    answers = asked(client, v0.path, image)
    client.release("another")  # while it starts: it answers first
    assert isinstance(answers.get(timeout=PATIENCE), Probabilities)
    wait_until(lambda: has_ended(int(file.read_text())), "it has ended again")
    assert int(file.read_text()) != pid


@pytest.mark.parametrize("changed", [False, True])
def test_code_that_was_never_named_or_has_changed_is_not_run(
    v0: RunDirectory, make_client: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changed: bool
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    copy = RunDirectory(Path(shutil.copytree(v0.path, tmp_path / "net-20260102-000000-00ff")))
    code, trace = tmp_path / "net.py", tmp_path / "trace"
    code.write_text(f"open({str(trace)!r}, 'w')\n")
    source = ModelSource("net.py:Net", "Net", str(code), "", str(tmp_path), files=("net.py",))
    source = replace(source, sha256="0" * 64 if changed else current(source).sha256)
    config = json.loads(copy.run_json.read_text()) | {"version": "net", "model": source.to_json()}
    config["hyperparameters"]["optimizer"] = "adamw"
    copy.run_json.write_text(json.dumps(config))
    failed = asked(make_client(), copy.path, garment(tmp_path)).get(timeout=PATIENCE)
    assert isinstance(failed, Failed)
    assert ("has changed" if changed else "its code was never named by you, so it isn't run") in failed.reason
    assert not trace.exists()


def test_a_program_that_cannot_be_started_is_one_line(v0: RunDirectory, make_client: Make, tmp_path: Path) -> None:
    failed = asked(make_client("/nowhere/python"), v0.path, garment(tmp_path)).get(timeout=PATIENCE)
    assert isinstance(failed, Failed)
    assert failed.reason == "the process that holds the networks can't be started (No such file or directory)"


def test_it_ends_with_the_app_even_while_it_is_busy(v0: RunDirectory, tmp_path: Path) -> None:
    """The app is a process that asks for a run in PyTorch and is killed at once."""
    file = tmp_path / "pid"
    script = (
        "import subprocess,sys,time;from fmnist_tui.inspection.requests import *;import numpy as np;"
        "child=subprocess.Popen(sys.argv[3:],stdin=subprocess.PIPE,stdout=subprocess.PIPE,bufsize=0);"
        "write_message(child.stdin,Predict(run=sys.argv[2],image=Packed.of(np.zeros((1,28,28),np.uint8))));"
        "open(sys.argv[1],'w').write(str(child.pid));time.sleep(100)"
    )
    app = subprocess.Popen([sys.executable, "-c", script, str(file), str(V1), *COMMAND])
    wait_until(lambda: file.exists() and file.read_text(), "the process has started")
    app.kill()
    app.wait()
    wait_until(lambda: has_ended(int(file.read_text())), "it has ended")
