from __future__ import annotations

from dataclasses import replace

import pytest

from fmnist_tui.host.node import host_name
from fmnist_tui.runs import conditions
from fmnist_tui.runs.conditions import (
    Conditions,
    ExactSteps,
    changes,
    conditions_at_start,
    conditions_here,
    inexact_text,
    threads_here,
    too_many_threads,
)
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.training.events import Event, Resumed, RunStarted
from fmnist_tui.training.recipes import configure

V0 = configure("v0", "tuned", {}, device="cpu", threads=1)
V3 = configure("v3", "tuned", {}, device="cpu", threads=1)
VERSIONS = {"python": "3.12.3", "fmnist-tui": "0.1.0", "numpy": "2.1.0", "scipy": "1.14.0", "torch": "2.11.0+cu126"}
A100 = Conditions("gpu01", "cuda:0", "NVIDIA A100", "GPU-a", 16, 16, VERSIONS)
CPU = Conditions("gpu01", "cpu", "16 CPUs, AMD EPYC 7763", "", 16, 16, VERSIONS)


def started(*, exact: bool) -> RunStarted:
    return RunStarted("v0", 30, 10, 3, 1, 1, exact=exact)


def resumed(step: int, *, exact: bool) -> Resumed:
    return Resumed(step, 1, exact=exact)


# Threads


@pytest.mark.parametrize(
    ("cpus", "start", "asked", "threads"),
    [
        (16, Conditions("gpu01", threads=16, cpus=16), 0, 16),
        (64, Conditions("gpu01", threads=16, cpus=16), 0, 16),
        (2, Conditions("gpu01", threads=16, cpus=16), 0, 2),
        (2, Conditions("gpu01", threads=16, cpus=16), 16, 2),
        (2, Conditions(host_name(), threads=16, cpus=16), 0, 2),
        (2, Conditions(host_name(), threads=16, cpus=16), 16, 2),
        (2, Conditions(host_name(), threads=16, cpus=2), 16, 16),
        (2, Conditions(host_name(), threads=16, cpus=4), 16, 2),
        (2, Conditions(host_name(), threads=16, cpus=2), 0, 2),
        (2, Conditions("gpu01", threads=16, cpus=2), 16, 2),
        (2, Conditions(host_name(), threads=16), 16, 2),
        (2, Conditions(), 0, 2),
    ],
    ids=[
        "all are here",
        "more are here",
        "fewer on another host",
        "fewer than were asked for",
        "fewer on this host",
        "fewer on this host, asked for",
        "too many were asked for here",
        "too many were asked for, and fewer CPUs now",
        "too many, but not asked for",
        "too many were asked for elsewhere",
        "asked for, of unknown CPUs",
        "unknown",
    ],
)
def test_a_run_has_its_threads_where_there_are_cpus_for_them(
    monkeypatch: pytest.MonkeyPatch, cpus: int, start: Conditions, asked: int, threads: int
) -> None:
    monkeypatch.setattr(conditions, "available_cpus", lambda: cpus)
    assert threads_here(start, asked) == threads


def test_more_threads_than_cpus_are_reported_of_the_cpu_alone() -> None:
    line = "16 threads on 2 available CPUs: training is many times slower than with --threads 2"
    assert too_many_threads(replace(CPU, cpus=2)) == line
    assert too_many_threads(CPU) == ""
    assert too_many_threads(replace(A100, cpus=2)) == ""


# What is other than at the start


def test_nothing_has_changed_where_all_is_as_it_was() -> None:
    for same in (A100, CPU):
        assert changes(same, same, V3, "auto") == []
        assert inexact_text(same, same, [], again=False) == ""


@pytest.mark.parametrize(
    ("start", "now", "line"),
    [
        (CPU, replace(CPU, threads=2), "2 threads instead of 16"),
        (CPU, replace(CPU, threads=1), "1 thread instead of 16"),
        (CPU, replace(CPU, device_name="16 of 64 CPUs (the rest is barred), AMD EPYC 7763"), ""),
        (CPU, replace(CPU, device_name="2 CPUs, Intel Xeon"), "Intel Xeon instead of AMD EPYC 7763"),
        (A100, replace(A100, device_name="NVIDIA H200"), "NVIDIA H200 instead of NVIDIA A100"),
        (A100, replace(A100, device="cuda:1", device_id="GPU-b"), ""),
        (A100, CPU, "the CPU instead of NVIDIA A100"),
        (A100, replace(A100, device="mps", device_name=""), "mps instead of NVIDIA A100"),
        (replace(A100, device="mps", device_name=""), A100, "NVIDIA A100 instead of mps"),
        (replace(A100, device_name=""), A100, ""),
        (A100, replace(A100, versions={**VERSIONS, "torch": "2.13.0"}), "PyTorch 2.13.0 instead of 2.11.0+cu126"),
        (A100, replace(A100, versions={**VERSIONS, "torch": None}), "PyTorch missing instead of 2.11.0+cu126"),
        (A100, replace(A100, versions={**VERSIONS, "numpy": "2.2.0"}), "NumPy 2.2.0 instead of 2.1.0"),
        (A100, replace(A100, versions={**VERSIONS, "scipy": "1.15.0"}), "SciPy 1.15.0 instead of 1.14.0"),
        (A100, replace(A100, versions={**VERSIONS, "python": "3.13.0"}), "Python 3.13 instead of 3.12"),
        (A100, replace(A100, versions={**VERSIONS, "python": "3.12.9"}), ""),
        (A100, replace(A100, versions={**VERSIONS, "fmnist-tui": "0.2.0"}), ""),
        (replace(A100, versions={}), A100, ""),
    ],
)
def test_what_changes_the_numbers_is_distinguished_from_what_does_not(
    start: Conditions, now: Conditions, line: str
) -> None:
    assert ", ".join(changes(start, now, V3, "auto")) == line


def test_pytorch_is_nothing_to_a_numpy_network() -> None:
    assert changes(CPU, replace(CPU, versions={**VERSIONS, "torch": "2.13.0"}), V0, "auto") == []


@pytest.mark.parametrize(
    ("asked", "now", "line"),
    [
        ("cuda", CPU, "the CPU instead of NVIDIA A100 (cuda was requested, but isn't available)"),
        ("cuda:0", CPU, "the CPU instead of NVIDIA A100 (cuda:0 was requested, but isn't available)"),
        ("cuda:0", replace(A100, device="cuda:1"), ""),
        (
            "cuda:0",
            replace(A100, device="cuda:1", device_id="GPU-b"),
            "cuda:1 instead of cuda:0 (cuda:0 was requested, but isn't available)",
        ),
        ("cuda", replace(A100, device="cuda:1", device_id="GPU-b"), ""),
    ],
)
def test_a_device_that_was_asked_for_and_is_not_here_is_named(asked: str, now: Conditions, line: str) -> None:
    assert ", ".join(changes(A100, now, V3, asked)) == line


def test_the_line_names_hosts_and_changes() -> None:
    here = replace(CPU, host="node-b", threads=2)
    found = changes(A100, here, V3, "auto")
    assert inexact_text(A100, here, found, again=False) == (
        "resumed on node-b (was gpu01) with 2 threads instead of 16, the CPU instead of NVIDIA A100: training "
        "continues, but not bit for bit as it would have there"
    )
    assert inexact_text(CPU, replace(CPU, threads=2), ["2 threads instead of 16"], again=True) == (
        "started again with 2 threads instead of 16: training continues, but not bit for bit as it would have before"
    )
    assert inexact_text(CPU, replace(CPU, host="node-b"), [], again=False) == (
        "resumed on node-b (was gpu01): training continues, but not bit for bit as it would have there"
    )


def test_the_conditions_of_this_machine_are_no_change() -> None:
    here = conditions_here(V0)
    assert (here.host, here.device, here.threads) == (host_name(), "cpu", 1)
    assert here.cpus >= 1
    assert " CPU" in here.device_name
    assert changes(here, conditions_here(V0), V0, "auto") == []


def test_a_run_json_of_any_content_has_conditions(run: RunDirectory) -> None:
    assert conditions_at_start(run) is None
    for content in ("{}", '{"host": 1, "device": null, "threads": "x", "versions": 3}', '{"versions": {"numpy": 1}}'):
        run.run_json.write_text(content)
        start = conditions_at_start(run)
        assert start is not None
        assert changes(start, start, V0, "auto") == []
    run.run_json.write_text('{"host": "a\\u001b[31mb"}')
    assert conditions_at_start(run) == Conditions(host="a [31mb")


# Which steps are exact


@pytest.mark.parametrize(
    ("log", "step", "exact"),
    [
        ([], 5, True),
        ([started(exact=True), resumed(5, exact=True)], 10, True),
        ([started(exact=True), resumed(5, exact=False)], 5, True),
        ([started(exact=True), resumed(5, exact=False)], 6, False),
        ([started(exact=True), resumed(5, exact=False), resumed(9, exact=True)], 12, False),
        ([started(exact=True), resumed(5, exact=False), resumed(5, exact=True)], 12, True),
        ([started(exact=True), resumed(5, exact=False), resumed(3, exact=True)], 12, True),
        ([started(exact=False)], 1, False),
        ([started(exact=False), started(exact=True)], 9, True),
    ],
)
def test_steps_are_exact_unless_one_before_was_taken_elsewhere(log: list[Event], step: int, exact: bool) -> None:
    course = ExactSteps()
    for event in log:
        course.see(event)
    assert course.is_exact(step) is exact
