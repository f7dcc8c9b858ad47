from __future__ import annotations

import ctypes
import json
from typing import Any

import pytest

from fmnist_tui.runs.machine import nvml
from fmnist_tui.runs.machine.nvml import Gpu, GpuError, read_gpus


class Library:
    """NVML with two GPUs, of which the second tells neither memory nor use."""

    def __init__(self, init: int = 0) -> None:
        self.init = init
        self.open = 0
        self.nvmlErrorString = _Named({18: b"Driver/library version mismatch"})

    def nvmlInit_v2(self) -> int:  # noqa: N802
        self.open += self.init == 0
        return self.init

    def nvmlShutdown(self) -> int:  # noqa: N802
        self.open -= 1
        return 0

    def nvmlSystemGetDriverVersion(self, text: Any, _length: Any) -> int:  # noqa: N802
        text.value = b"550.54"
        return 0

    def nvmlDeviceGetCount_v2(self, count: Any) -> int:  # noqa: N802
        count._obj.value = 2
        return 0

    def nvmlDeviceGetHandleByIndex_v2(self, index: Any, handle: Any) -> int:  # noqa: N802
        handle._obj.value = index.value + 1
        return 0

    def nvmlDeviceGetName(self, handle: Any, text: Any, _length: Any) -> int:  # noqa: N802
        text.value = f"GPU {handle.value - 1}".encode()
        return 0

    def nvmlDeviceGetMemoryInfo(self, handle: Any, memory: Any) -> int:  # noqa: N802
        if handle.value != 1:
            return 3
        memory._obj.total, memory._obj.free = 80_000, 60_000
        return 0

    def nvmlDeviceGetUtilizationRates(self, handle: Any, use: Any) -> int:  # noqa: N802
        use._obj.gpu = 42
        return 0 if handle.value == 1 else 3


class _Named:
    restype: object = None

    def __init__(self, words: dict[int, bytes]) -> None:
        self.words = words

    def __call__(self, status: int) -> bytes | None:
        return self.words.get(status)


def test_gpus_are_read_and_the_library_is_closed() -> None:
    library = Library()
    assert read_gpus(library) == ("550.54", [Gpu("GPU 0", 80_000, 60_000, 42), Gpu("GPU 1", 0, 0, None)])
    assert library.open == 0


def test_a_refusal_is_told_in_the_drivers_words() -> None:
    with pytest.raises(GpuError, match=r"^Driver/library version mismatch$"):
        read_gpus(Library(init=18))
    with pytest.raises(GpuError, match=r"^NVML error 7$"):
        read_gpus(Library(init=7))


def test_as_a_program_it_prints_json(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _: Library())
    nvml.main()
    report = json.loads(capsys.readouterr().out)
    assert report["driver"] == "550.54"
    assert report["gpus"][0] == {"name": "GPU 0", "total": 80_000, "free": 60_000, "busy": 42}


@pytest.mark.parametrize("library", [Library(init=18), object()], ids=["refuses", "too old"])
def test_as_a_program_it_reports_what_is_wrong(
    library: object, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _: library)
    nvml.main()
    assert json.loads(capsys.readouterr().out)["error"]
