"""The processes of the contestants, started when they are first asked for."""

from __future__ import annotations

import json
import select
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from benchmarks.spec import Spec

_ROOT = Path(__file__).parents[2]
_PATIENCE = 600.0
"""Seconds that a turn may take."""


class Workers:
    """A process for each contestant, so that none gains or suffers by another's libraries; or one for all."""

    def __init__(self, environment: Mapping[str, str], *, shared: bool) -> None:
        self._environment = environment
        self._shared = shared
        self._processes: dict[Spec | None, subprocess.Popen[str]] = {}
        if shared:
            self._process(None)  # imports while others are measured

    def seconds(self, spec: Spec, amount: int) -> float:
        """How long the contestant takes for a turn of so many steps; the first one comes after a warm-up.

        Raises:
            RuntimeError: Its process has ended, or doesn't answer. Another one is started when it is asked for again.
        """
        key = None if self._shared else spec
        process = self._process(key)
        assert process.stdin
        assert process.stdout
        answer = ""
        try:
            process.stdin.write(json.dumps({"spec": asdict(spec), "amount": amount}) + "\n")
            process.stdin.flush()
            if not select.select([process.stdout], [], [], _PATIENCE)[0]:
                raise RuntimeError(f"the process of {spec.name} gave no answer in {_PATIENCE:.0f} s")
            answer = process.stdout.readline()
        except BrokenPipeError:
            pass  # it has no answer, either
        finally:
            if not answer:
                _end(self._processes.pop(key))
        if not answer:
            raise RuntimeError(f"the process of {spec.name} has ended")
        return float(json.loads(answer)["seconds"])

    def close(self) -> None:
        """Ends the processes."""
        while self._processes:
            _end(self._processes.popitem()[1])

    def _process(self, key: Spec | None) -> subprocess.Popen[str]:
        if key not in self._processes:
            self._processes[key] = subprocess.Popen(
                [sys.executable, "-m", "tests.benchmarks.worker", *(["all"] if key is None else [])],
                cwd=_ROOT,
                env=dict(self._environment),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                encoding="utf-8",
            )
        return self._processes[key]


def _end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()
