"""What a run's numbers depend on besides its configuration, and what of that has changed when the run is resumed."""

from __future__ import annotations

import platform
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from fmnist_tui.host.node import available_cpus, host_name
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.manifest import read_manifest
from fmnist_tui.text import counted
from fmnist_tui.training.config import TrainingConfig
from fmnist_tui.training.events import Event, Resumed, RunStarted, rewound_to
from fmnist_tui.version import __version__

_TITLES = {"python": "Python", "numpy": "NumPy", "scipy": "SciPy", "torch": "PyTorch"}
_LIBRARIES = ("numpy", "scipy", "torch")
_CPU_COUNT = re.compile(r"\d+( of \d+)? CPUs?[^,]*, ")
"""The prefix of the processor's name in a CPU's `device_name`."""


@dataclass(frozen=True)
class Conditions:
    """The conditions that a trainer runs under; "" or 0 where something isn't known.

    Attributes:
        host: The machine's name.
        device: As in a configuration: "cpu", "cuda:0", "mps".
        device_name: The manufacturer's name; the CPU's is preceded by the number of CPUs.
        device_id: The GPU's key (see `host.gpu.Gpu`).
        threads: CPU threads.
        cpus: CPUs that were available.
        versions: Versions of Python, this program and the libraries, by package; None where one isn't installed.
    """

    host: str = ""
    device: str = ""
    device_name: str = ""
    device_id: str = ""
    threads: int = 0
    cpus: int = 0
    versions: Mapping[str, str | None] = field(default_factory=dict)


def conditions_at_start(run: RunDirectory) -> Conditions | None:
    """The conditions under which the run's first trainer began, from run.json; None before that."""
    manifest = read_manifest(run)
    if not manifest.is_settled:
        return None
    return Conditions(
        manifest.host,
        manifest.device,
        manifest.device_name,
        manifest.device_id,
        manifest.threads,
        manifest.cpus,
        manifest.versions,
    )


def conditions_here(config: TrainingConfig, device_id: str = "") -> Conditions:
    """The conditions of this process, for a configuration whose device and threads are resolved.

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
    """How many threads a run that began elsewhere, or earlier, gets here.

    As many as before, which keeps it exact, unless there are fewer CPUs: more threads than CPUs are many times slower.
    More than that are used only if the user requested that number on this host, and it has no fewer CPUs since.

    Args:
        start: The conditions under which it began.
        asked: The number that was requested; 0 for as many as there are CPUs.
    """
    cpus = available_cpus()
    wanted = asked == start.threads and start.host == host_name() and 0 < start.cpus < start.threads
    return start.threads if 0 < start.threads <= cpus or (wanted and start.cpus <= cpus) else cpus


def changes(start: Conditions, now: Conditions, config: TrainingConfig, asked: str) -> list[str]:
    """What differs from where the run began, so that numbers may differ: "2 threads instead of 16".

    Except for the host's name: see `inexact_text`.

    Args:
        start: The conditions under which it began.
        now: The conditions under which it is resumed.
        config: What is trained.
        asked: The device that was requested, "auto" for the best one.
    """
    found = []
    if start.threads != now.threads:
        found.append(f"{counted(now.threads, 'thread')} instead of {start.threads}")
    found += _version_changes(start, now, config)
    if change := _device_change(start, now, asked):
        found.append(change)
    return found


def inexact_text(start: Conditions, now: Conditions, changed: Iterable[str], *, again: bool) -> str:
    """One line on what has changed for a resumed run, and which guarantee is lost; "" if nothing has changed.

    Args:
        start: The conditions under which it began.
        now: The conditions under which it is resumed.
        changed: The differences that `changes` found.
        again: Whether it starts over from its first step, because nothing was saved.
    """
    moved = now.host != start.host and bool(start.host)
    changed = list(changed)
    if not (moved or changed):
        return ""
    where = f" on {now.host} (was {start.host})" if moved else ""
    what = f" with {', '.join(changed)}" if changed else ""
    verb, there = "started again" if again else "resumed", "there" if moved else "before"
    return f"{verb}{where}{what}: training continues, but not bit for bit as it would have {there}"


class ExactSteps:
    """Which steps of a run are bit for bit those that its first trainer would have taken."""

    def __init__(self) -> None:
        self._inexact: list[int] = []

    def see(self, event: Event) -> None:
        """Take in an event; the current events of a log must come in order."""
        if isinstance(event, RunStarted | Resumed):
            step = rewound_to(event) or 0
            self._inexact = [first for first in self._inexact if first < step]
            if not event.exact:
                self._inexact.append(step)

    def is_exact(self, step: int) -> bool:
        """Whether all steps up to this one are exact."""
        return all(first >= step for first in self._inexact)


def too_many_threads(now: Conditions) -> str:
    """A warning if a training on the CPU has more threads than there are CPUs, else ""."""
    if now.device != "cpu" or now.threads <= now.cpus:
        return ""
    slower = f"training is many times slower than with --threads {now.cpus}"
    return f"{counted(now.threads, 'thread')} on {counted(now.cpus, 'available CPU')}: {slower}"


def _device_name(device: str) -> str:
    """The manufacturer's name; a GPU's from PyTorch, because nothing else knows which GPU PyTorch was given."""
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
    """A different kind of device, a different model of it, or not the GPU that was requested."""
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
    return f"{after} instead of {before}" + (f" ({asked} was requested, but isn't available)" if refused else "")


def _title(conditions: Conditions) -> str:
    if conditions.device == "cpu":
        return _CPU_COUNT.sub("", conditions.device_name) or "the CPU"
    return conditions.device_name or conditions.device
