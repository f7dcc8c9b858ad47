"""Measures how fast the models train on this machine: the engines alone, without log or screen."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fmnist_tui.analysis.gpu_busy import busy_seconds
from fmnist_tui.analysis.speed import Benchmark, Peak, Quartiles, Speed
from fmnist_tui.data import Dataset, ImageSet
from fmnist_tui.models.layers import layer_table
from fmnist_tui.models.registry import BUILT_IN, get_model
from fmnist_tui.runs.start import resolve_device
from fmnist_tui.text import counted
from fmnist_tui.training.blas_threads import bound_blas_threads
from fmnist_tui.training.config import INSTALL_PYTORCH, ConfigError, TrainingConfig, check_device_name, has_pytorch
from fmnist_tui.training.engine import Engine, Indices
from fmnist_tui.training.recipes import configure
from fmnist_tui.training.streams import epoch_order
from fmnist_tui.training.task import Task, make_engine, make_task

CPU_SIDE = 2048
GPU_SIDE = 4096
"""A larger product, to keep a GPU busy."""


def products(device: str, threads: int, side: int) -> Callable[[int], None]:
    """A function that multiplies two matrices (side, side) on `device` a number of times and waits for the result.

    On the CPU with NumPy's BLAS, whose threads are bounded for the whole process; on other devices with PyTorch.
    """
    if device == "cpu":
        return _by_numpy(threads, side)
    return _by_torch(device, side)


def flops(side: int) -> float:
    """Floating-point operations of one product: a multiplication and an addition for each of side**3 terms."""
    return 2.0 * side**3


def _by_numpy(threads: int, side: int) -> Callable[[int], None]:
    left = np.random.default_rng(0).random((side, side), np.float32)
    right, out = left.T.copy(), np.empty_like(left)
    bound_blas_threads(threads)

    def multiply(times: int) -> None:
        for _ in range(times):
            np.matmul(left, right, out=out)

    return multiply


def _by_torch(device: str, side: int) -> Callable[[int], None]:
    import torch

    left = torch.rand((side, side), device=device)
    right, out = torch.rand_like(left), torch.empty_like(left)

    def multiply(times: int) -> None:
        for _ in range(times):
            torch.matmul(left, right, out=out)
        float(out[0, 0])  # waits for the device

    return multiply


ROUNDS = 5
Progress = Callable[[float, str], object]
"""Called with the fraction that is done, 0 to 1, and what is measured next."""


@dataclass(frozen=True)
class InterleavedTask:
    """Something to measure: `run` does it a number of times and returns when it is done."""

    name: str
    run: Callable[[int], None]


def measure_rates(tasks: Sequence[InterleavedTask], seconds: float, progress: Progress) -> list[list[float]]:
    """How many times per second each task runs; the tasks take turns, in alternating order.

    Args:
        tasks: What to measure.
        seconds: Total time, roughly: a task always runs at least once per round.
        progress: Called before each measurement.

    Returns:
        A list for each task with its rate in each round; rates of the same round were measured close together.
    """
    budget = seconds / (len(tasks) * (ROUNDS + 1))
    repeats = []
    for index, task in enumerate(tasks):
        progress(index / len(tasks) / (ROUNDS + 1), f"warming up {task.name}")
        repeats.append(_repeats_in(task, budget))
    found: list[list[float]] = [[] for _ in tasks]
    for number in range(ROUNDS):
        order = range(len(tasks))
        for done, index in enumerate(reversed(order) if number % 2 else order):
            progress((number + 1 + done / len(tasks)) / (ROUNDS + 1), tasks[index].name)
            found[index].append(_rate(tasks[index], repeats[index]))
    return found


def _rate(task: InterleavedTask, times: int) -> float:
    task.run(1)  # the caches hold data of the task before
    begun = time.perf_counter()
    task.run(times)
    return times / (time.perf_counter() - begun)


def _repeats_in(task: InterleavedTask, seconds: float) -> int:
    """How many times it runs in that time, found by running it, which also warms it up."""
    times = 1
    task.run(times)
    while True:
        begun = time.perf_counter()
        task.run(times)
        taken = time.perf_counter() - begun
        if taken >= seconds / 4:
            return max(1, round(times * seconds / taken))
        times *= 2


Floats = NDArray[np.float64]

IMAGES = 60_000
COMMON_BATCH = 64
"""Measured beside a model's own batch size, so that models can be compared."""
_CALM = 0.1
"""Factor of the recipe's learning rate: with random labels the loss must not diverge."""


_AHEAD = 256
"""Steps that are announced to the engine at once, as in training."""


@dataclass(frozen=True)
class _Cell:
    """A model on a device at a batch size; on a GPU, with a CUDA graph or without."""

    version: str
    device: str
    batch_size: int
    graph: bool | None = None

    @property
    def name(self) -> str:
        """What is measured."""
        return f"{self.version} on {self.device}, batch {self.batch_size}{', CUDA graph' if self.graph else ''}"


def bench(
    devices: Sequence[str],
    threads: int,
    seconds: float,
    progress: Progress,
    machine: Mapping[str, str],
    images: int = IMAGES,
    *,
    graph: bool = True,
) -> Benchmark:
    """Measures all built-in models: those in PyTorch on each of the devices, the others on the CPU.

    Args:
        devices: Names of devices, "cpu", "cuda:0".
        threads: CPU threads.
        seconds: Time for measuring, roughly; importing PyTorch and building networks comes on top.
        progress: Called with the fraction that is done and what is measured next.
        machine: The devices' titles by name.
        images: Number of random training images.
        graph: Whether GPUs are also measured with CUDA graphs.
    """
    skipped = _left_out()
    models = [get_model(name) for name in BUILT_IN if name not in skipped]
    dataset = _random_images(images)
    tasks: dict[_Cell | str, InterleavedTask] = {}
    for device in devices:
        here = [model.name for model in models if model.needs_torch or device == "cpu"]
        if not here:
            continue
        tasks[device] = InterleavedTask(f"matrix product on {device}", products(device, threads, _side(device)))
        for name in here:
            progress(0.0, f"building {name} on {device}")
            tasks |= _engine_at_its_batch_sizes(name, device, threads, dataset)
            if graph and device.startswith("cuda"):
                tasks |= _engines_with_graph(name, device, threads, dataset, skipped)
    found = dict(zip(tasks, measure_rates(list(tasks.values()), seconds, progress), strict=True))
    busy = {cell: busy_seconds(tasks[cell].run) for cell in found if isinstance(cell, _Cell) and cell.graph is not None}
    peaks = {device: np.array(rate) * flops(_side(device)) for device, rate in found.items() if isinstance(device, str)}
    return Benchmark(
        machine,
        threads,
        counted(images, "random image"),
        tuple(Peak(device, Quartiles.of(list(peak / 1e9))) for device, peak in peaks.items()),
        tuple(
            _speed(cell, np.array(rate), peaks, busy.get(cell))
            for cell, rate in found.items()
            if isinstance(cell, _Cell)
        ),
        skipped,
    )


def devices_here() -> list[str]:
    """The CPU, then the GPU that trainings would use, if PyTorch is installed and finds one."""
    if _why_no_torch():
        return ["cpu"]
    from fmnist_tui.training.devices import resolve

    return list(dict.fromkeys(["cpu", resolve("auto")]))


def chosen_devices(wanted: Sequence[str]) -> list[str]:
    """The requested devices, each once.

    Raises:
        ConfigError: One is not available, or not a device's name.
    """
    if list(wanted) == ["cpu"]:
        return ["cpu"]
    for device in wanted:
        check_device_name(device)
    if why := _why_no_torch():
        raise ConfigError(f"{why}; without PyTorch, only --device cpu can be measured")
    from fmnist_tui.training.devices import resolve

    return list(dict.fromkeys(resolve(device) for device in wanted))


def _left_out() -> dict[str, str]:
    why = _why_no_torch()
    return {name: why for name in BUILT_IN if why and get_model(name).needs_torch}


def _why_no_torch() -> str:
    """Why PyTorch models can't be measured, or ""."""
    if not has_pytorch():
        return f"PyTorch isn't installed; {INSTALL_PYTORCH}"
    any_model = next(name for name in BUILT_IN if get_model(name).needs_torch)
    try:
        resolve_device(configure(any_model, "tuned", {}, device="cpu"))
    except ConfigError as error:
        return str(error)
    return ""


def _random_images(count: int) -> Dataset:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (count, 1, 28, 28), np.uint8)
    train = ImageSet.of(images, rng.integers(0, 10, count, np.uint8))
    return Dataset("random", tuple("0123456789"), train, train, "drawn at random", flips=True)


def _engine_at_its_batch_sizes(
    name: str, device: str, threads: int, dataset: Dataset
) -> dict[_Cell | str, InterleavedTask]:
    """One engine, with the recipe's batch size and with the common one."""
    config = configure(name, "tuned", {}, device=device, threads=threads)
    task = make_task(config, dataset)
    engine = make_engine(task, graph=False)
    with_graph = None if engine.graph is None else False
    cells = [_Cell(name, device, size, with_graph) for size in _sizes(config)]
    return {cell: InterleavedTask(cell.name, _steps(engine, task, cell.batch_size)) for cell in cells}


def _engines_with_graph(
    name: str, device: str, threads: int, dataset: Dataset, skipped: dict[str, str]
) -> dict[_Cell | str, InterleavedTask]:
    """An engine for each batch size, since a graph has one; where none can be used, `skipped` says why."""
    tasks: dict[_Cell | str, InterleavedTask] = {}
    for size in _sizes(configure(name, "tuned", {})):
        task = make_task(configure(name, "tuned", {"batch_size": size}, device=device, threads=threads), dataset)
        engine = make_engine(task)
        if engine.graph is None or not engine.graph.used:
            skipped[f"CUDA graph of {name}, batch {size},"] = engine.graph.reason if engine.graph else ""
            continue
        cell = _Cell(name, device, size, graph=True)
        tasks[cell] = InterleavedTask(cell.name, _steps(engine, task, size))
    return tasks


def _sizes(config: TrainingConfig) -> list[int]:
    return list(dict.fromkeys((config.hyperparameters.batch_size, COMMON_BATCH)))


def _steps(engine: Engine, task: Task, size: int) -> Callable[[int], None]:
    batches = _endless_batches(epoch_order(0, 1, task.train_indices), size)
    rate = task.config.hyperparameters.learning_rate * _CALM

    def step(times: int) -> None:
        while times > 0:
            first, announced = next(batches)
            engine.expect(announced, 1, first)
            for number, batch in enumerate(announced[:times], first):
                engine.step(batch, rate, 1, number)
            times -= len(announced)
        engine.take_totals()  # waits for the device

    return step


def _endless_batches(order: Indices, size: int) -> Iterator[tuple[int, list[Indices]]]:
    """Whole batches only, as many as are announced at once, after the first one's number.

    Images repeat if there are fewer than a batch holds.
    """
    order = np.resize(order, max(size, len(order)))
    batches = [order[first : first + size] for first in range(0, len(order) - size + 1, size)]
    while True:
        for first in range(0, len(batches), _AHEAD):
            yield first, batches[first : first + _AHEAD]


def _speed(cell: _Cell, steps_per_second: Floats, peaks: Mapping[str, Floats], busy: float | None) -> Speed:
    images = steps_per_second * cell.batch_size
    fractions = images * 2.0 * layer_table(get_model(cell.version)).training_macs / peaks[cell.device]
    rate = float(np.median(steps_per_second))
    return Speed(
        cell.version,
        cell.device,
        cell.batch_size,
        Quartiles.of(list(images)),
        1000.0 / rate,
        float(np.median(fractions)),
        cell.graph,
        None if busy is None else min(1.0, busy * rate),
    )


def _side(device: str) -> int:
    return CPU_SIDE if device == "cpu" else GPU_SIDE
