"""Machines of all kinds, put together for a test."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from fmnist_tui.host.gpus import GpuReport
from fmnist_tui.host.machine import Locks, Machine
from fmnist_tui.host.processes import CommandResult

PLAIN = {"TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "de_DE.UTF-8"}
TORCH = {"version": "2.13.0", "build": "", "gpu": "", "why_not": ""}
CPUINFO = "processor\t: 0\nmodel name\t: AMD EPYC\nflags\t: fpu\nprocessor\t: 1\nmodel name\t: AMD EPYC\n"


def reported(**report: Any) -> CommandResult:
    """What a probe prints, below what a library printed."""
    return CommandResult(0, f"noise from a library\n{json.dumps(report)}\n")


def gpus_reported(**report: Any) -> CommandResult:
    """What the query for GPUs prints; its arguments are those of `GpuReport`."""
    return CommandResult(0, f"noise from a library\n{json.dumps(asdict(GpuReport(**report)))}\n")


@dataclass
class Commands:
    """Commands that are known here, by a word among their arguments; remembers which were started and closed."""

    answers: Mapping[str, CommandResult]
    started: list[str] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)

    def start(self, command: Sequence[str]) -> FakeCommand:
        word = next((word for word in self.answers if any(word in part for part in command)), command[0])
        self.started.append(word)
        missing = CommandResult(None, errors=f"{command[0]} can't be started (No such file or directory)")
        return FakeCommand(self, word, self.answers.get(word, missing))


@dataclass
class FakeCommand:
    commands: Commands
    word: str
    given: CommandResult

    def result(self, seconds: float) -> CommandResult:
        assert seconds > 0
        return self.given

    def close(self) -> None:
        self.commands.closed.append(self.word)


def machine(
    root: Path,
    *,
    environ: Mapping[str, str] = PLAIN,
    files: Mapping[str, str] | None = None,
    size: tuple[int, int] | None = (80, 24),
    answers: Mapping[str, CommandResult] | None = None,
    commands: Commands | None = None,
    system: str = "Linux",
    cpus: tuple[int, int] = (2, 2),
    user: str = "ada",
    libraries: Sequence[str] = (),
    version_of: Callable[[str], str | None] = lambda _: "1.0",
    free: float = 50e9,
    locks: Callable[[Path], Locks] = lambda _: Locks.OPEN_FILE,
) -> Machine:
    """A machine with nothing wrong, except what is given."""
    for path, text in {"proc/cpuinfo": CPUINFO, **(files or {})}.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    known = commands or Commands(
        {"torch_probe": reported(**TORCH), "trainer_process": CommandResult(0), **(answers or {})}
    )
    return Machine(
        environ=environ,
        root=root,
        screen=os.terminal_size(size) if size else None,
        system=system,
        processor="x86_64",
        cpus=cpus,
        user=lambda: user,
        start=known.start,
        has_library=lambda name: name in libraries,
        version_of=version_of,
        free_bytes=lambda _: int(free),
        locks=locks,
    )
