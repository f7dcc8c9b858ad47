"""The rules of the queue: which run may start on which device, and why the others wait."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from fmnist_tui.host.gpu import Gpu, GpuProcess, user_name
from fmnist_tui.runs.queue import slots as rules
from fmnist_tui.runs.queue.after import Outcome
from fmnist_tui.runs.queue.devices import Claim
from fmnist_tui.runs.queue.slots import FRESH_SECONDS, Machine, Refusal, Slots
from fmnist_tui.runs.queue.store import AUTO, Entry

GB = 1_000_000_000
ALICE = GpuProcess(41, "alice", "python", 12 * GB)
MINE = GpuProcess(42, user_name(os.getuid()), "jupyter", 1 * GB)
GPU = Gpu("GPU-a", 0, "H200", total=100 * GB, free=90 * GB, busy=20)
OTHER = Gpu("GPU-b", 1, "H200", total=100 * GB, free=90 * GB, busy=20)


def on_cpu(name: str, threads: int, cpus: tuple[int, ...] = (0, 1, 2, 3), cpu_count: int = 0, **more: object) -> Entry:
    count = cpu_count or len(cpus)
    return Entry(run=name, created=1.0, needs="cpu", cpus=cpus, cpu_count=count, threads=threads, **more)  # type: ignore[arg-type]


def on_gpu(name: str, *keys: str, **more: object) -> Entry:
    gpus = tuple((key, number) for number, key in enumerate(keys))
    return Entry(run=name, created=1.0, needs="cuda", gpus=gpus, **more)  # type: ignore[arg-type]


def machine(*gpus: Gpu, now: float = 1000.0, **memory: int) -> Machine:
    return Machine(lambda: gpus, memory, lambda: now)


def place(
    entry: Entry, claims: list[Claim] | None = None, waiting: list[Entry] | None = None, here: Machine | None = None
) -> Claim | Refusal:
    slots = Slots(claims or [], here or machine())
    for one in waiting or []:
        placed = slots.place(one)
        assert isinstance(placed, Refusal)
        slots.wait(one, placed)
    return slots.place(entry)


def took(placed: Claim | Refusal) -> tuple[str, tuple[int, ...], int]:
    """The GPU, CPUs and threads of a run that may start."""
    assert isinstance(placed, Claim), placed
    return placed.gpu, placed.cpus, placed.threads


def why(placed: Claim | Refusal) -> str:
    assert isinstance(placed, Refusal), placed
    return placed.reason


# GPUs


def test_a_gpu_has_one_run_at_a_time_whatever_its_number_in_each_of_them() -> None:
    first = place(on_gpu("one", "GPU-a", "GPU-b"))
    assert isinstance(first, Claim)
    assert (first.gpu, first.index, first.device) == ("GPU-a", 0, "cuda:0")
    assert took(place(on_gpu("two", "GPU-b", "GPU-a"), [first]))[0] == "GPU-b"
    refusal = place(on_gpu("three", "GPU-a"), [first])
    assert isinstance(refusal, Refusal)
    assert (refusal.reason, refusal.behind) == ("waits for cuda", ("one",))


def test_gpus_that_other_processes_use_are_taken_last() -> None:
    here = machine(replace(GPU, processes=(MINE,)), OTHER)
    assert took(place(on_gpu("one", "GPU-a", "GPU-b"), here=here))[0] == "GPU-b"
    assert took(place(on_gpu("one", "GPU-a"), here=here))[0] == "GPU-a"


def test_a_run_does_not_overtake_one_that_waits_longer_for_the_same_gpu() -> None:
    busy = [Claim(run="1", gpu="GPU-a"), Claim(run="2", gpu="GPU-b", per_gpu=2)]
    old = on_gpu("old", "GPU-a", "GPU-b")
    assert why(place(on_gpu("new", "GPU-b", per_gpu=2), busy, [old])) == "waits for cuda"
    assert took(place(on_gpu("new", "GPU-c"), busy, [old]))[0] == "GPU-c"
    assert took(place(on_cpu("new", 4), busy, [old]))[2] == 4


def test_as_many_runs_share_a_gpu_as_all_of_them_allow_and_they_spread_first() -> None:
    two = on_gpu("new", "GPU-a", "GPU-b", per_gpu=2)
    on_a, on_b = (Claim(run=key, gpu=key, per_gpu=2) for key in ("GPU-a", "GPU-b"))
    assert took(place(two, [on_a]))[0] == "GPU-b"
    assert took(place(two, [on_a, on_b]))[0] == "GPU-a"
    assert took(place(two, [on_a, on_a, on_b]))[0] == "GPU-b"
    assert why(place(two, [on_a, on_a, on_b, on_b])) == "waits for cuda"
    lone = Claim(run="lone", gpu="GPU-a")
    assert why(place(on_gpu("new", "GPU-a", per_gpu=2), [lone])) == "waits for cuda"
    assert why(place(on_gpu("new", "GPU-a"), [on_a])) == "waits for cuda"


def test_a_run_that_needs_a_gpu_for_itself_waits_until_it_is_empty_and_then_keeps_it() -> None:
    shared, alone = Claim(run="1", gpu="GPU-a", per_gpu=4), on_gpu("big", "GPU-a", per_gpu=4, alone=True)
    assert why(place(alone, [shared])) == "waits for cuda alone"
    assert why(place(on_gpu("new", "GPU-a", per_gpu=4), [shared], [alone])) == "waits for cuda"
    claim = place(alone)
    assert isinstance(claim, Claim)
    assert why(place(on_gpu("new", "GPU-a", per_gpu=4), [claim])) == "waits for cuda"


@pytest.mark.parametrize(
    ("gpu", "started", "known", "reason"),
    [
        (GPU, 0.0, 0, ""),
        (replace(GPU, free=29 * GB), 0.0, 0, "GPU 0 (H200) has 29.0 GB free; the run needs about 25.0 GB"),
        (replace(GPU, free=29 * GB), 0.0, 20 * GB, ""),
        (replace(GPU, busy=71), 0.0, 0, "GPU 0 (H200) is 71% busy"),
        (replace(GPU, busy=None), 0.0, 0, ""),
        (replace(GPU, total=0), 0.0, 0, "waits for cuda: its free memory isn't known"),
        (replace(GPU, key="GPU-x"), 0.0, 0, "waits for cuda: its free memory isn't known"),
        (
            GPU,
            1000.0 - FRESH_SECONDS / 2,
            0,
            "waits until GPU 0 (H200) can be measured: a run has just started there",
        ),
    ],
)
def test_auto_adds_a_run_where_memory_and_utilisation_leave_room(
    gpu: Gpu, started: float, known: int, reason: str
) -> None:
    claim = Claim(run="1", gpu="GPU-a", per_gpu=AUTO, since=started, model="v3")
    placed = place(on_gpu("2", "GPU-a", per_gpu=AUTO, model="v3"), [claim], here=machine(gpu, v3=known))
    if not reason:
        assert took(placed)[0] == "GPU-a"
    else:
        assert why(placed) == reason
        assert isinstance(placed, Refusal)
        assert placed.is_measured
    assert took(place(on_gpu("2", "GPU-a", per_gpu=AUTO), here=machine(gpu)))[0] == "GPU-a", "an empty one always does"


def test_auto_takes_what_runs_of_the_model_use_now_for_what_the_next_one_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "_pid", lambda _: 7)
    mine = GpuProcess(7, MINE.user, "python", 40 * GB, is_ours=True)
    here = machine(replace(GPU, free=44 * GB, processes=(mine,)))
    claim = Claim(run="1", gpu="GPU-a", per_gpu=AUTO, model="v3")
    assert "needs about 40.0 GB" in why(place(on_gpu("2", "GPU-a", per_gpu=AUTO, model="v3"), [claim], here=here))


# Other people


def test_a_gpu_that_other_people_use_is_left_to_them_and_keeps_nobody_else_waiting() -> None:
    here = machine(replace(GPU, processes=(ALICE,)), OTHER)
    polite = on_gpu("polite", "GPU-a", avoid_busy=True)
    refusal = place(polite, here=here)
    assert why(refusal) == "GPU 0 (H200) is used by alice: python (12.0 GB)"
    assert isinstance(refusal, Refusal)
    assert (refusal.is_measured, refusal.is_left_to_others) == (True, True)
    assert took(place(replace_entry(polite, avoid_busy=False), here=here))[0] == "GPU-a"
    assert took(place(on_gpu("any", "GPU-a", "GPU-b", avoid_busy=True), here=here))[0] == "GPU-b"
    assert took(place(on_gpu("rude", "GPU-a"), waiting=[polite], here=here))[0] == "GPU-a"


def test_this_users_other_processes_and_its_trainers_are_not_other_people(monkeypatch: pytest.MonkeyPatch) -> None:
    polite = on_gpu("polite", "GPU-a", avoid_busy=True, per_gpu=2)
    assert took(place(polite, here=machine(replace(GPU, processes=(MINE,)))))[0] == "GPU-a"
    unseen = machine(replace(GPU, processes=(GpuProcess(0, "", "", 5 * GB),)))
    assert "processes that are not visible here" in why(place(polite, here=unseen))
    monkeypatch.setattr(rules, "_pid", lambda _: 7)
    ours = Claim(run="ours", gpu="GPU-a", per_gpu=2)
    assert took(place(polite, [ours], here=unseen))[0] == "GPU-a", "in a container, it may be our own trainer"


def replace_entry(entry: Entry, **changes: object) -> Entry:
    from msgspec.structs import replace as replaced

    return replaced(entry, **changes)


# Held, and after another run


def test_a_held_run_keeps_nobody_waiting() -> None:
    held = on_gpu("held", "GPU-a", held="held")
    assert why(place(held)) == "held"
    assert took(place(on_gpu("next", "GPU-a"), waiting=[held]))[0] == "GPU-a"


def test_a_run_after_another_waits_for_its_success(monkeypatch: pytest.MonkeyPatch) -> None:
    outcomes = {"good": (Outcome.SUCCEEDED, ""), "bad": (Outcome.FAILED, "bad failed"), "on": (Outcome.OPEN, "waits")}
    monkeypatch.setattr(rules, "outcome_of", lambda path: outcomes[Path(path).name])
    assert took(place(on_cpu("next", 4, after="/runs/good")))[2] == 4
    failed, waits = place(on_cpu("next", 4, after="/runs/bad")), place(on_cpu("next", 4, after="/runs/on"))
    assert isinstance(failed, Refusal)
    assert isinstance(waits, Refusal)
    assert (failed.reason, failed.is_final) == ("bad failed", True)
    assert (waits.reason, waits.is_final, waits.is_measured) == ("waits", False, True)
    assert took(place(on_cpu("later", 4), waiting=[on_cpu("next", 4, after="/runs/on")]))[2] == 4


# CPUs


def test_runs_on_the_cpu_go_side_by_side_while_there_are_cpus_for_their_threads() -> None:
    first = place(on_cpu("one", 2))
    assert isinstance(first, Claim)
    assert took(first) == ("", (0, 1, 2, 3), 2)
    second = place(on_cpu("two", 2), [first])
    assert isinstance(second, Claim)
    assert why(place(on_cpu("three", 1), [first, second])) == "waits for cpu"


def test_a_run_that_takes_all_cpus_waits_for_all_of_them_and_is_not_overtaken() -> None:
    running = Claim(run="one", cpus=(0, 1, 2, 3), threads=1)
    whole = on_cpu("two", 4)
    refusal = place(whole, [running])
    assert isinstance(refusal, Refusal)
    assert refusal.behind == ("one",)
    assert why(place(on_cpu("three", 1), [running], [whole])) == "waits for cpu"


def test_processes_on_different_cpus_do_not_wait_for_each_other() -> None:
    running = Claim(run="one", cpus=(0, 1), threads=2)
    assert took(place(on_cpu("two", 2, cpus=(2, 3)), [running]))[1] == (2, 3)
    assert why(place(on_cpu("three", 2, cpus=(1, 2)), [running])) == "waits for cpu"


def test_a_quota_counts_as_well_as_the_number_of_cpus() -> None:
    running = Claim(run="one", cpus=(0, 1, 2, 3), threads=1)
    assert why(place(on_cpu("two", 1, cpu_count=1), [running])) == "waits for cpu"
    assert took(place(on_cpu("two", 1, cpu_count=2), [running]))[2] == 1


def test_a_run_on_a_gpu_takes_no_cpu_from_others() -> None:
    assert took(place(on_cpu("two", 4), [Claim(run="one", gpu="GPU-a")]))[2] == 4


def test_cpu_slots_share_the_cpus_out_whatever_the_threads() -> None:
    def slot(name: str, threads: int = 4, any_threads: bool = True) -> Entry:
        return on_cpu(name, threads, cpu_slots=2, any_threads=any_threads)

    first = place(slot("one"))
    assert isinstance(first, Claim)
    assert took(first) == ("", (0, 1), 2)
    second = place(slot("two"), [first])
    assert isinstance(second, Claim)
    assert took(second) == ("", (2, 3), 2)
    assert why(place(slot("three"), [first, second])) == "waits for one of 2 CPU slots"
    assert took(place(slot("begun", 4, any_threads=False)))[1:] == ((0, 1, 2, 3), 4), "it keeps its threads"
    assert took(place(slot("small", 1, any_threads=False)))[1:] == ((0, 1), 1)
