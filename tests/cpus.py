"""Restricts this process, and those it starts, to fewer CPUs than the machine has."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def on_one_cpu() -> Iterator[None]:
    """Restrict to one CPU: two BLAS threads beside another busy process take sixty times as long as one."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {sorted(before)[os.getpid() % len(before)]})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
