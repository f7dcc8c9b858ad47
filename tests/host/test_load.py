"""How busy the machine, this process and one GPU are."""

from __future__ import annotations

from pathlib import Path

import pynvml

from fmnist_tui.host.gpu_sources import GpuLoad, GpuMeter
from fmnist_tui.host.load import cpu_ticks, resident_memory

from .conftest import Use
from .fake_nvml import FakeGpu, FakeNvml, uuid


def test_ticks_are_busy_unless_idle_or_waiting_for_a_disk_and_guests_count_once(proc: Path) -> None:
    (proc / "stat").write_text("cpu  10 20 30 400 50 6 7 8 9 9\ncpu0 1 2 3\nintr 5\n")
    assert cpu_ticks(proc) == (81, 531)
    (proc / "stat").write_text("cpu 1 2\n")
    assert cpu_ticks(proc) is None


def test_without_proc_nothing_is_known(tmp_path: Path) -> None:
    assert cpu_ticks(tmp_path) is None
    assert resident_memory(tmp_path) is None


def test_the_load_of_one_gpu_is_read_again_and_again(use: Use) -> None:
    first, second = FakeGpu(uuid(0), busy=3), FakeGpu(uuid(1), busy=71, used=20_000_000_000)
    nvml = FakeNvml([first, second])
    use(nvml)
    meter = GpuMeter(uuid(1))
    assert meter.read() == GpuLoad(71, 21_000_000_000, 141_000_000_000)
    second.busy, second.refused = 5, ["memory"]
    assert meter.read() == GpuLoad(5, 0, 0)
    second.refused = ["busy"]
    assert meter.read() == GpuLoad(None, 21_000_000_000, 141_000_000_000)
    assert nvml.open == 1
    meter.close()
    assert (nvml.open, meter.read()) == (0, None)


def test_a_gpu_that_is_gone_or_a_driver_that_is_broken_has_no_load(use: Use) -> None:
    use(FakeNvml([FakeGpu(uuid(0))]))
    gone = GpuMeter(uuid(7))
    assert gone.read() is None
    gone.close()
    use(FakeNvml(init=pynvml.NVMLError_LibraryNotFound()))
    assert GpuMeter(uuid(0)).read() is None
