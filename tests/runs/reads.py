"""How much of a log is read."""

from __future__ import annotations

import os

import pytest


class Reads:
    """Counts what is read with `os.pread`, as logs are."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sizes: list[int] = []
        pread = os.pread

        def counting(handle: int, size: int, offset: int) -> bytes:
            content = pread(handle, size, offset)
            self.sizes.append(len(content))
            return content

        monkeypatch.setattr(os, "pread", counting)

    @property
    def total(self) -> int:
        """Bytes."""
        return sum(self.sizes)

    @property
    def largest(self) -> int:
        """Bytes of the largest read."""
        return max(self.sizes, default=0)
