"""What a run's numbers depend on besides its configuration, and what of it has changed when a run is resumed."""

from __future__ import annotations

import platform
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from fmnist_tui import __version__
from fmnist_tui.files import read_json
from fmnist_tui.host.cpus import available_cpus
from fmnist_tui.host.identity import host_name
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.text import counted, safe
from fmnist_tui.training.config import TrainingConfig
from fmnist_tui.training.events import Event, Resumed, RunStarted

_TITLES = {"python": "Python", "numpy": "NumPy", "scipy": "SciPy", "torch": "PyTorch"}
_LIBRARIES = ("numpy", "scipy", "torch")
_CPU_COUNT = re.compile(r"\d+( of \d+)? CPUs?[^,]*, ")
"""The prefix before the processor's name in a CPU's `device_name`."""


@dataclass(frozen=True)
class Conditions:
    """Under what a trainer computes; "" or 0 where it isn't known.

    Attributes:
        host: The machine's name.
        device: As a configuration names it: "cpu", "cuda:0", "mps".
        device_name: What its maker calls it; the CPU's has the number of CPUs before it.
        device_id: The GPU's key (see `host.gpu.Gpu`).
        threads: CPU threads.
        cpus: CPUs that were available.
        versions: Of Python, this program and the libraries, by their packages' names; None where one isn't installed.
    """

    host: str = ""
    device: str = ""
    device_name: str = ""
    device_id: str = ""
    threads: int = 0
    cpus: int = 0
    versions: Mapping[str, str | None] = field(default_factory=dict)


def conditions_at_start(run: RunDirectory) -> Conditions | None:
    """Those under which the run's first trainer began, as run.json has them; None before that."""
    record = read_json(run.run_json)
    if record is None:
        return None
    versions = record.get("versions")
    known = versions if isinstance(versions, dict) else {}
    return Conditions(
        host=_text(record, "host"),
        device=_text(record, "device"),
        device_name=_text(record, "device_name"),
        device_id=_text(record, "device_id"),
        threads=_count(record, "threads"),
        cpus=_count(record, "cpus"),
        versions={name: _text(known, name) or None for name in known},
    )


def conditions_here(config: TrainingConfig, device_id: str = "") -> Conditions:
    """Those under which this process trains a configuration whose device and threads are resolved.

    Args:
        config: The configuration.
        device_id: The GPU's key, if it is known.
    """
    from fmnist_tui.host.machine import this_machine

    libraries = {name: this_machine().version_of(name) for name in _LIBRARIES}
    return Conditions(
        host_name(),
        config.device,
        _device_name(config.device),
        device_id,
        config.threads,
        available_cpus(),
        {"python": platform.python_version(), "fmnist-tui": __version__, **libraries},
    )


def threads_here(start: Conditions, asked: int) -> int:
    """How many threads a run that was begun elsewhere, or earlier, gets here.

    As many as before, which keeps it exact, unless there are fewer CPUs: more threads than CPUs are many times slower.
    More are used only where the user asked for that number on this host, and no CPU has gone since.

    Args:
        start: Under which it was begun.
        asked: The number that was asked for; 0 for as many as there are CPUs.
    """
    cpus = available_cpus()
    wanted = asked == start.threads and start.host == host_name() and 0 < start.cpus < start.threads
    return start.threads if 0 < start.threads <= cpus or (wanted and start.cpus <= cpus) else cpus


def changes(start: Conditions, now: Conditions, config: TrainingConfig, asked: str) -> list[str]:
    """What is other than where the run was begun, so that numbers may differ: "2 threads instead of 16".

    The host's name aside: see `inexact_text`.

    Args:
        start: Under which it was begun.
        now: Under which it goes on.
        config: What is trained.
        asked: The device that was asked for, "auto" for whatever is best.
    """
    found = []
    if start.threads != now.threads:
        found.append(f"{counted(now.threads, 'thread')} instead of {start.threads}")
    found += _version_changes(start, now, config)
    if change := _device_change(start, now, asked):
        found.append(change)
    return found


def inexact_text(start: Conditions, now: Conditions, changed: Iterable[str], *, again: bool) -> str:
    """One line on what a run is resumed with, and which guarantee that costs; "" where nothing has changed.

    Args:
        start: Under which it was begun.
        now: Under which it goes on.
        changed: What `changes` found.
        again: Whether it starts again from its first step, since nothing was saved.
    """
    moved = now.host != start.host and bool(start.host)
    changed = list(changed)
    if not (moved or changed):
        return ""
    place = f" on {now.host} (was {start.host})" if moved else ""
    what = f" with {', '.join(changed)}" if changed else ""
    verb, there = "started again" if again else "resumed", "there" if moved else "before"
    return f"{verb}{place}{what}: training continues, but not bit for bit as it would have {there}"


class Course:
    """Which trainers took the steps of a run, of those that began otherwise than its first one."""

    def __init__(self) -> None:
        self._inexact: list[int] = []

    def see(self, event: Event) -> None:
        """Takes in an event; the current ones of a log are to be seen in their order."""
        if isinstance(event, RunStarted | Resumed):
            step = event.step if isinstance(event, Resumed) else 0
            self._inexact = [first for first in self._inexact if first < step]  # later steps were dropped
            if not event.exact:
                self._inexact.append(step)

    def is_exact(self, step: int) -> bool:
        """Whether all steps up to this one are those that the first trainer would have taken."""
        return all(first >= step for first in self._inexact)


def too_many_threads(now: Conditions) -> str:
    """A line where a training on the CPU has more threads than there are CPUs; "" elsewhere."""
    if now.device != "cpu" or now.threads <= now.cpus:
        return ""
    slower = f"training is many times slower than with --threads {now.cpus}"
    return f"{now.threads} threads on {counted(now.cpus, 'available CPU')}: {slower}"


def _device_name(device: str) -> str:
    """What its maker calls it; a GPU by PyTorch, which alone knows which of them it was given."""
    if device.startswith("cuda"):
        from fmnist_tui.training.devices import gpu_name

        return gpu_name(device)
    if device != "cpu":
        return ""
    from fmnist_tui.host.machine import cpu_title, this_machine

    return cpu_title(this_machine())


def _version_changes(start: Conditions, now: Conditions, config: TrainingConfig) -> Iterator[str]:
    for name, title in _TITLES.items():
        before, after = start.versions.get(name), now.versions.get(name)
        if name == "torch" and not config.model.needs_torch:
            continue
        if name == "python" and before and after:
            before, after = (".".join(version.split(".")[:2]) for version in (before, after))
        if before and before != after:
            yield f"{title} {after or 'missing'} instead of {before}"


def _device_change(start: Conditions, now: Conditions, asked: str) -> str:
    """Another kind of device, another model of it, or not the very GPU that was asked for."""
    before, after = _title(start), _title(now)
    kinds = [one.device.partition(":")[0] for one in (start, now)]
    same_gpu = bool(start.device_id) and start.device_id == now.device_id
    refused = asked != "auto" and asked not in (now.device, kinds[1]) and not same_gpu
    if kinds[0] == kinds[1] and (before == after or not (start.device_name and now.device_name)):
        if not (refused and start.device != now.device):
            return ""
        before, after = start.device, now.device
    elif kinds[1] == "cpu" != kinds[0]:
        after = "the CPU"
    return f"{after} instead of {before}" + (f" ({asked} was asked for, but isn't here)" if refused else "")


def _title(conditions: Conditions) -> str:
    if conditions.device == "cpu":
        return _CPU_COUNT.sub("", conditions.device_name) or "the CPU"
    return conditions.device_name or conditions.device


def _text(record: dict[str, Any], name: str) -> str:
    value = record.get(name)
    return safe(value) if isinstance(value, str) else ""


def _count(record: dict[str, Any], name: str) -> int:
    value = record.get(name)
    return value if isinstance(value, int) else 0
