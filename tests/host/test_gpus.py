"""GPUs through NVML, or by device files where NVML can't be asked."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pynvml
import pytest

from fmnist_tui.host.gpus import GpuReport

from .conftest import See, Use
from .fake_nvml import FakeGpu, FakeNvml, gpus, mig_uuid, uuid


def keys(report: GpuReport) -> list[str]:
    return [gpu.key for gpu in report.visible]


def make_files(devices: Path, *minors: int) -> None:
    for minor in minors:
        (devices / f"nvidia{minor}").touch()


def refuse(monkeypatch: pytest.MonkeyPatch, *names: str, error: int = errno.EPERM) -> None:
    """Device files that can't be opened, as the device cgroup of a job makes them."""
    usual = os.open

    def opened(path: Any, *arguments: Any, **options: Any) -> int:
        if Path(path).name in names:
            raise OSError(error, os.strerror(error), str(path))
        return usual(path, *arguments, **options)

    monkeypatch.setattr(os, "open", opened)


def test_a_gpu_is_known_by_its_uuid_its_name_and_what_it_does(use: Use, see: See) -> None:
    nvml = FakeNvml([FakeGpu(uuid(0), used=20_000_000_000, busy=71, compute={1: 20_000_000_000})])
    use(nvml)
    report = see()
    (gpu,) = report.visible
    assert (report.driver, report.fault, report.hidden) == ("570.86", "", ())
    assert (gpu.key, gpu.index, gpu.name, gpu.busy) == (uuid(0), 0, "NVIDIA H200", 71)
    assert (gpu.total, gpu.free) == (141_000_000_000, 120_000_000_000)
    assert (gpu.short_key, gpu.is_uuid) == ("GPU-00000000", True)
    assert nvml.open == 0


def test_what_the_environment_leaves_out_is_hidden(use: Use, see: See) -> None:
    use(FakeNvml(gpus(8)))
    assert keys(see()) == [uuid(number) for number in range(8)]
    report = see(CUDA_VISIBLE_DEVICES="6,2")
    assert keys(report) == [uuid(6), uuid(2)]
    assert [gpu.key for gpu in report.hidden] == [uuid(number) for number in (0, 1, 3, 4, 5, 7)]
    assert len(see(CUDA_VISIBLE_DEVICES="").hidden) == 8


def test_the_instances_of_a_divided_gpu_take_its_place(use: Use, see: See) -> None:
    instances = [
        FakeGpu(mig_uuid(1), "NVIDIA H200 MIG 1g.18gb", total=18_000_000_000, ids=(7, 0), refused=["busy"]),
        None,
        FakeGpu(mig_uuid(2), "NVIDIA H200 MIG 2g.35gb", total=35_000_000_000, ids=(3, 0), refused=["busy"]),
    ]
    use(FakeNvml([FakeGpu(uuid(0)), FakeGpu(uuid(1), minor=1, instances=instances)]))
    report = see()
    assert keys(report) == [uuid(0), mig_uuid(1), mig_uuid(2)]
    assert (report.visible[2].name, report.visible[2].total) == ("NVIDIA H200 MIG 2g.35gb", 35_000_000_000)
    assert report.visible[2].busy is None
    assert keys(see(CUDA_VISIBLE_DEVICES=f"MIG-{uuid(1)}/3/0")) == [mig_uuid(2)]


def test_a_divided_gpu_without_instances_is_no_device(use: Use, see: See) -> None:
    use(FakeNvml([FakeGpu(uuid(0), instances=[])]))
    assert see().visible == ()


def test_before_driver_470_instances_are_called_by_their_numbers(use: Use, see: See) -> None:
    old = f"MIG-{uuid(0)}/7/0"
    use(FakeNvml([FakeGpu(uuid(0), instances=[FakeGpu(old, ids=(7, 0))])]))
    assert keys(see(CUDA_VISIBLE_DEVICES=old)) == [old]
    assert see().visible[0].short_key == old


def test_what_a_gpu_does_not_support_is_left_open(use: Use, see: See) -> None:
    use(FakeNvml([FakeGpu(uuid(0), refused=["memory", "busy", "processes", "mig", "cores"])]))
    (gpu,) = see().visible
    assert (gpu.total, gpu.free, gpu.busy, gpu.processes, gpu.unlisted) == (0, 0, None, (), 0)


def test_an_older_driver_lacks_functions(use: Use, see: See) -> None:
    kinds = [f"nvmlDeviceGet{kind}RunningProcesses_v3" for kind in ("Compute", "Graphics")]
    use(FakeNvml(gpus(1, used=5_000_000_000), refused=["memory v2", "nvmlDeviceGetNumGpuCores", *kinds]))
    (gpu,) = see().visible
    assert (gpu.free, gpu.unlisted) == (135_000_000_000, 0)


def test_the_fastest_of_unlike_gpus_is_known(use: Use, see: See) -> None:
    use(FakeNvml([FakeGpu(uuid(0), "GT 710", cores=192), FakeGpu(uuid(1), "RTX 4090", minor=1, cores=16_384)]))
    assert [gpu.name for gpu in see(CUDA_DEVICE_ORDER="FASTEST_FIRST").visible] == ["RTX 4090", "GT 710"]
    slow, fast = see().visible
    assert slow.speed < fast.speed
    assert keys(see(CUDA_VISIBLE_DEVICES="1")) == [uuid(1)]


def test_a_gpu_of_another_job_is_none_of_ours(
    use: Use, see: See, devices: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_files(devices, 0, 1, 2, 3)
    denied = pynvml.NVMLError_NoPermission()
    use(FakeNvml([denied, *[FakeGpu(uuid(minor), minor=minor) for minor in (1, 2, 3)]]))
    refuse(monkeypatch, "nvidia2")
    report = see(CUDA_VISIBLE_DEVICES="1")
    assert (keys(report), [gpu.key for gpu in report.hidden]) == ([uuid(3)], [uuid(1)])


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (pynvml.NVMLError_LibraryNotFound(), "NVML Shared Library Not Found"),
        (pynvml.NVMLError_DriverNotLoaded(), "Driver Not Loaded"),
        (pynvml.NVMLError_LibRmVersionMismatch(), "RM has detected an NVML/RM version mismatch."),
        (pynvml.NVMLError_Unknown(), "Unknown Error"),
    ],
)
def test_without_nvml_there_are_the_device_files_in_the_order_of_their_numbers(
    use: Use, see: See, devices: Path, error: Exception, fault: str
) -> None:
    make_files(devices, 10, 9, 2)
    for other in ("nvidiactl", "nvidia-uvm", "nvidia-modeset", "nvidia2.bak", "xnvidia1"):
        (devices / other).touch()
    use(FakeNvml(init=error))
    report = see()
    assert (keys(report), report.fault) == (["nvidia2", "nvidia9", "nvidia10"], fault)
    assert not report.visible[0].is_uuid
    assert keys(see(CUDA_VISIBLE_DEVICES="1")) == ["nvidia9"]
    assert keys(see(CUDA_VISIBLE_DEVICES=uuid(3))) == [uuid(3)]


def test_without_the_binding_there_are_the_device_files(
    devices: Path, see: See, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pynvml", None)
    make_files(devices, 3)
    report = see()
    assert (keys(report), report.fault) == (["nvidia3"], "nvidia-ml-py isn't installed")


@pytest.mark.parametrize("error", [errno.EPERM, errno.EACCES, errno.ENXIO, errno.ENODEV])
def test_a_device_file_that_cannot_be_opened_is_no_gpu(
    use: Use, see: See, devices: Path, monkeypatch: pytest.MonkeyPatch, error: int
) -> None:
    use(FakeNvml(init=pynvml.NVMLError_DriverNotLoaded()))
    make_files(devices, 0, 1)
    refuse(monkeypatch, "nvidia0", error=error)
    assert keys(see(CUDA_VISIBLE_DEVICES="0")) == ["nvidia1"]


def test_without_nvml_the_driver_gives_uuids_below_proc(use: Use, see: See, devices: Path, proc: Path) -> None:
    use(FakeNvml(init=pynvml.NVMLError_LibraryNotFound()))
    make_files(devices, 0, 1, 2)
    known = {0: uuid(5), 1: "GPU-????????-????-????-????????????"}
    for minor, key in known.items():
        folder = proc / "driver" / "nvidia" / "gpus" / f"0000:0{minor}:00.0"
        folder.mkdir(parents=True)
        text = f"Model: \t\t NVIDIA H100\nIRQ:   \t\t 84\nGPU UUID: \t {key}\nDevice Minor: \t {minor}\n"
        (folder / "information").write_text(text)
    report = see()
    assert [(gpu.key, gpu.name) for gpu in report.visible] == [
        (uuid(5), "NVIDIA H100"),
        ("nvidia1", "NVIDIA H100"),
        ("nvidia2", ""),
    ]
    assert keys(see(CUDA_VISIBLE_DEVICES="GPU-55")) == [uuid(5)]


def test_device_files_are_in_the_order_of_the_bus_where_it_is_known(
    use: Use, see: See, devices: Path, proc: Path
) -> None:
    use(FakeNvml(init=pynvml.NVMLError_LibraryNotFound()))
    make_files(devices, 0, 1)
    for minor, bus in ((0, "0000:c1:00.0"), (1, "0000:1b:00.0")):
        folder = proc / "driver" / "nvidia" / "gpus" / bus
        folder.mkdir(parents=True)
        (folder / "information").write_text(f"GPU UUID: \t {uuid(minor)}\nDevice Minor: \t {minor}\n")
    assert keys(see()) == [uuid(1), uuid(0)]
    make_files(devices, 2)
    assert keys(see()) == [uuid(0), uuid(1), "nvidia2"]


def test_a_machine_without_a_folder_of_devices_has_no_gpu(use: Use, see: See, devices: Path) -> None:
    use(FakeNvml(init=pynvml.NVMLError_LibraryNotFound()))
    devices.rmdir()
    assert see(CUDA_VISIBLE_DEVICES="0").visible == ()
