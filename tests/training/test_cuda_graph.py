"""Recorded steps, with a recorder that computes again on the CPU, into the same memory, in place of a CUDA graph."""
# ruff: noqa: S311

from __future__ import annotations

import random
import weakref
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from fmnist_tui.models.fused_layers import Dropout
from fmnist_tui.training.cuda_graph import CudaRecorder
from fmnist_tui.training.engine import GraphUse
from fmnist_tui.training.torch_engine import TorchEngine

from .samples import assert_same_tensors, config, pictures, seeded

ALL = np.arange(20)
BATCHES = [ALL[:8], ALL[8:16], ALL[16:]]
"""The last one isn't full."""
RATE = 1e-3


class Rerun:
    """Replays a step by computing it again; results are in the memory of the first time."""

    def __init__(self) -> None:
        self.replays = 0
        self.network: nn.Module = nn.Identity()

    def strict(self) -> AbstractContextManager[object]:
        return nullcontext()

    def record(self, compute: Callable[[], Tensor]) -> tuple[Tensor, Callable[[], None]]:
        compute()
        loss = compute()
        gradients = [parameter.grad for parameter in self.network.parameters()]

        def replay() -> None:
            self.replays += 1
            loss.copy_(compute())
            for parameter, gradient in zip(self.network.parameters(), gradients, strict=True):
                if gradient is not None:
                    assert parameter.grad is not None
                    gradient.copy_(parameter.grad)

        return loss, replay


def engine(network: nn.Module | None = None, version: str = "v1", **changes: Any) -> TorchEngine:
    settings = replace(config(version).hyperparameters, batch_size=8, **changes)
    built = network or seeded(version, 0)
    return TorchEngine(built, settings, 0, *pictures(20), "cpu", plain=network is not None)


def with_graph(learning: TorchEngine, recorder: Rerun | None = None) -> Rerun:
    recorder = recorder or Rerun()
    recorder.network = learning.scored_network if not learning._average else learning._network
    learning.use_graph(ALL, recorder)
    recorder.replays = 0
    return recorder


def train(learning: TorchEngine, first: int = 0, last: int = 6) -> list[object]:
    """Full batches, partial ones, a measured step, and evaluations in between; returns what it reports."""
    found: list[object] = []
    for step in range(first, last):
        batch = BATCHES[step % 3]
        if step == 4:
            found.append(learning.measured_step(batch, RATE, 1, step))
        else:
            learning.step(batch, RATE, 1, step)
        if step % 2:
            found += [learning.take_totals(), learning.evaluate(ALL)]
    return found


CHANGES: list[tuple[str, dict[str, Any]]] = [
    ("v1", {}),
    ("v3", {"clip": 1.0}),
    ("v4", {"optimizer": "muon", "ema": 0.9, "mixup": 0.4}),
    ("v1", {"optimizer": "sgd", "crop": 2, "shift": 0, "erase": 0.5, "cutout": 5}),
    ("own", {"precision": "bf16", "mixup": 0.4, "flip": "off", "shift": 0}),
]


@pytest.mark.parametrize(("version", "changes"), CHANGES, ids=str)
def test_replayed_steps_learn_the_same_bits(version: str, changes: dict[str, Any]) -> None:
    usual, replayed = (
        engine(Flat(), **changes) if version == "own" else engine(version=version, **changes) for _ in range(2)
    )
    recorder = with_graph(replayed)
    assert_same_tensors(replayed.state(), usual.state())
    assert all(parameter.grad is None for parameter in replayed.scored_network.parameters())
    assert train(replayed) == train(usual)
    assert_same_tensors(replayed.state(), usual.state())
    assert replayed.graph == GraphUse(used=True)
    assert recorder.replays == 3, "not the partial batches, nor the measured step"


@pytest.mark.parametrize("resumed_with", [True, False])
def test_a_run_resumes_bit_for_bit_with_a_graph_or_without(resumed_with: bool) -> None:
    whole, stopped, resumed = engine(version="v3"), engine(version="v3"), engine(version="v3")
    train(whole)
    with_graph(resumed if resumed_with else stopped)
    train(stopped, 0, 3)
    resumed.load_state(stopped.state())
    train(resumed, 3)
    assert_same_tensors(resumed.state(), whole.state())


class Flat(nn.Module):
    """A network of one layer; what it does besides is the tests'."""

    seen: Tensor

    def __init__(self) -> None:
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.out = nn.Linear(784, 10)
        self.register_buffer("seen", torch.zeros(()))
        self.steps = 0
        self.grid: Tensor | None = None
        self.names: list[str] = []

    def forward(self, x: Tensor) -> Tensor:
        x = x.flatten(1)
        logits: Tensor = self.out(x + self.noise(x) if self.training else x)
        return logits

    def noise(self, x: Tensor) -> Tensor:
        """Of the shape of `x`."""
        self.seen += 1
        return torch.zeros_like(x)


class Caching(Flat):
    def noise(self, x: Tensor) -> Tensor:
        if self.grid is None:
            self.grid = torch.linspace(0, 1, x.shape[1])
        return self.grid.expand_as(x)


class DrawingInPyTorch(Flat):
    def noise(self, x: Tensor) -> Tensor:
        return torch.randn_like(x)


class DrawingInNumPy(Flat):
    def noise(self, x: Tensor) -> Tensor:
        return torch.full_like(x, np.random.rand())


class DrawingInPython(Flat):
    def noise(self, x: Tensor) -> Tensor:
        return torch.full_like(x, random.random())


class Counting(Flat):
    def noise(self, x: Tensor) -> Tensor:
        self.steps += 1
        return torch.full_like(x, self.steps)


class Replacing(Flat):
    def noise(self, x: Tensor) -> Tensor:
        self.seen = self.seen + 1
        return self.seen.expand_as(x)


class Listing(Flat):
    def noise(self, x: Tensor) -> Tensor:
        self.names.append("step")
        return torch.full_like(x, len(self.names))


class Unique(Flat):
    def __deepcopy__(self, memo: object) -> Flat:
        raise ValueError("there is only one\nof me")


class Waiting(Flat):
    """Waits for the device, which a CPU can't notice; see `Strict`."""


class Strict(Rerun):
    @contextmanager
    def strict(self) -> Iterator[None]:
        yield
        raise RuntimeError("called a synchronizing CUDA operation")


class Failing(Rerun):
    def record(self, compute: Callable[[], Tensor]) -> tuple[Tensor, Callable[[], None]]:
        compute()
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")


class Stale(Rerun):
    """Its replays compute with what differs from the first step; the totals are right."""

    def record(self, compute: Callable[[], Tensor]) -> tuple[Tensor, Callable[[], None]]:
        loss, replay = super().record(compute)
        return loss.clone(), replay


def test_a_module_that_saves_something_in_its_first_step_can_be_recorded() -> None:
    usual, replayed = engine(Caching()), engine(Caching())
    recorder = with_graph(replayed)
    assert train(replayed) == train(usual)
    assert_same_tensors(replayed.state(), usual.state())
    assert recorder.replays == 3


class CachingByShape(Flat):
    def forward(self, x: Tensor) -> Tensor:
        if self.grid is None or len(self.grid) != len(x):
            self.grid = torch.linspace(0, 1, 784).repeat(len(x), 1)
        logits: Tensor = self.out(x.flatten(1) + self.grid)
        return logits


def test_memory_that_a_graph_reads_is_not_freed_when_the_module_replaces_it() -> None:
    module = CachingByShape()
    learning = engine(module)
    with_graph(learning)
    assert module.grid is not None
    recorded = weakref.ref(module.grid)
    learning.evaluate(ALL)
    assert module.grid is not recorded()
    assert recorded() is not None


_ON_CPU = "the model draws random numbers on the CPU"
_ATTRIBUTES = "the model changes its attributes in each step"


@pytest.mark.parametrize(
    ("build", "recorder", "reason"),
    [
        (DrawingInPyTorch, Rerun, _ON_CPU),
        (DrawingInNumPy, Rerun, _ON_CPU),
        (DrawingInPython, Rerun, _ON_CPU),
        (Counting, Rerun, _ATTRIBUTES),
        (Replacing, Rerun, _ATTRIBUTES),
        (Listing, Rerun, _ATTRIBUTES),
        (Unique, Rerun, "a step can't be recorded: ValueError: there is only one"),
        (Waiting, Strict, "the model waits for the GPU within a step"),
        (Flat, Failing, "the GPU's memory isn't enough for it"),
        (Flat, Stale, "a replayed step differs from a computed one"),
    ],
)
def test_what_cannot_be_replayed_is_trained_without_a_graph(
    build: Callable[[], Flat], recorder: Callable[[], Rerun], reason: str
) -> None:
    usual, tried = engine(build()), engine(build())
    made = with_graph(tried, recorder())
    assert tried.graph == GraphUse(used=False, reason=reason)
    assert train(tried) == train(usual)
    assert_same_tensors(tried.state(), usual.state())
    assert made.replays == 0


def test_without_a_full_batch_there_is_nothing_to_record() -> None:
    learning = engine()
    assert learning.graph is None, "nothing on a CPU is recorded unless a test asks for it"
    learning.use_graph(ALL[:7], Rerun())
    assert learning.graph == GraphUse(used=False, reason="no batch is full")


class FakeCuda:
    """What `CudaRecorder` uses of torch.cuda; notes the calls."""

    def __init__(self, *, fails: bool = False) -> None:
        self.calls: list[str] = []
        self.streams = ["usual"]
        self.fails = fails
        self.mode: Any = 0
        generator = SimpleNamespace(
            clone_state=lambda: "clone", graphsafe_set_state=lambda state: self.calls.append(f"usual takes {state}")
        )
        self.default_generators = [generator]

    def device(self, _device: torch.device) -> AbstractContextManager[object]:
        return nullcontext()

    def current_stream(self) -> str:
        return self.streams[-1]

    def Stream(self) -> Any:  # noqa: N802
        return SimpleNamespace(wait_stream=lambda stream: self.calls.append(f"waits for {stream}"))

    @contextmanager
    def stream(self, _stream: object) -> Iterator[None]:
        before = [*self.streams]
        self.streams.append("beside")
        try:
            yield
        finally:
            self.streams = before

    def synchronize(self) -> None:
        self.calls.append("synchronize")

    def CUDAGraph(self) -> Any:  # noqa: N802
        return SimpleNamespace(
            register_generator_state=lambda _: self.calls.append("register"),
            replay=lambda: self.calls.append("replay"),
        )

    @contextmanager
    def graph(self, _graph: object, *, stream: object, capture_error_mode: str) -> Iterator[None]:
        self.calls.append(f"begin {capture_error_mode} in {self.streams[-1]}")
        self.streams.append("lost")  # as PyTorch's does where ending the capture fails
        yield
        if self.fails:
            raise RuntimeError("capture failed")
        self.streams.pop()
        self.calls.append("end")

    def get_sync_debug_mode(self) -> Any:
        return self.mode

    def set_sync_debug_mode(self, mode: Any) -> None:
        self.mode = mode


@dataclass
class FakeGenerator:
    """A generator on a GPU."""

    cuda: FakeCuda

    def manual_seed(self, seed: int) -> None:
        self.cuda.calls.append(f"seed {seed}")


def recorded_by(cuda: FakeCuda, monkeypatch: pytest.MonkeyPatch, layer: Dropout) -> Callable[[], None]:
    """The replay of a computation that only needs the layer's generator."""

    def compute() -> Tensor:
        generator: Any = layer.generator
        assert isinstance(generator, FakeGenerator)
        cuda.calls.append(f"compute in {cuda.streams[-1]}")
        return torch.zeros(())

    monkeypatch.setattr(torch, "cuda", cuda)
    monkeypatch.setattr(torch, "Generator", lambda _: FakeGenerator(cuda))
    try:
        return CudaRecorder(torch.device("cuda:0"), [layer]).record(compute)[1]
    finally:
        assert layer.generator is None, "steps without the graph draw from generators of their own"


def test_a_graph_knows_its_generators_before_it_is_recorded_and_they_are_seeded_before_each_replay(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cuda, layer = FakeCuda(), Dropout(0.5)
    layer.address = (1, 2)
    first = f"seed {layer.seed}"
    replay = recorded_by(cuda, monkeypatch, layer)
    assert cuda.calls == [
        *("register", first, "waits for usual", *["compute in beside"] * 3, "synchronize"),
        *("begin thread_local in beside", "compute in lost", "end"),
    ]
    cuda.calls.clear()
    layer.address = (1, 3)
    replay()
    assert cuda.calls == [f"seed {layer.seed}", "replay"]
    assert cuda.calls[0] != first


def test_a_recording_that_fails_leaves_the_usual_stream_and_the_usual_generator(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cuda = FakeCuda(fails=True)
    with pytest.raises(RuntimeError, match="capture failed"):
        recorded_by(cuda, monkeypatch, Dropout(0.5))
    assert cuda.calls[-1] == "usual takes clone"
    assert cuda.streams == ["usual"]


def test_what_waits_for_the_gpu_raises_an_error_only_while_a_step_is_tried_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cuda = FakeCuda()
    monkeypatch.setattr(torch, "cuda", cuda)
    with CudaRecorder(torch.device("cuda:0"), []).strict():
        assert cuda.mode == "error"
    assert cuda.mode == 0
