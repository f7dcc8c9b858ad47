"""A step's computation, recorded once as a CUDA graph and replayed: one launch instead of a hundred.

A graph runs the same kernels on the same memory each time, and no Python. So what differs between steps is copied into
the inputs that it was recorded with, or drawn by generators that it knows and that are seeded before each replay;
weights, buffers and totals change in place. A module that needs Python in each step can't be recorded: one that waits
for the GPU, draws random numbers on the CPU, or changes its attributes. That is tried out on a copy of it; then the
recorded step must compute the same bits as the usual one.
"""

from __future__ import annotations

import copy
import hashlib
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from fmnist_tui.models.fused_layers import Dropout
from fmnist_tui.training.torch_feed import StepInputs

_WARM_UP = 3
"""Steps before one is recorded: libraries prepare themselves in the first ones."""
_COMPARED = 2
"""Steps that are computed both ways."""


class NotRecordable(Exception):
    """Steps can't be replayed; the text says why."""


@dataclass(frozen=True)
class Step:
    """The steps of a training, as they are computed without a graph.

    Attributes:
        network: The module.
        totals: What each step adds to, besides the module's own tensors.
        inputs: The inputs of a full batch, by the number of the step.
        address: Addresses what that step draws.
        compute: Computes the gradients of a module, adds to the totals, and returns the loss.
    """

    network: nn.Module
    totals: tuple[Tensor, ...]
    inputs: Callable[[int], StepInputs]
    address: Callable[[int], None]
    compute: Callable[[nn.Module, StepInputs], Tensor]


class Recorder(Protocol):
    """What records and replays computations on a device."""

    def strict(self) -> AbstractContextManager[object]:
        """Within it, what waits for the device raises an error."""

    def record(self, compute: Callable[[], Tensor]) -> tuple[Tensor, Callable[[], None]]:
        """Record what `compute` does; return its result, and what does the same again, in the same memory."""


class StepGraph:
    """A recorded step."""

    def __init__(self, network: nn.Module, inputs: StepInputs, loss: Tensor, replay: Callable[[], None]) -> None:
        self._inputs = inputs
        self._loss = loss
        self._replay = replay
        self._gradients = [(parameter, parameter.grad) for parameter in network.parameters()]
        self._held = _attributes(network)  # a module may replace a tensor that it made in its first step

    def step(self, inputs: StepInputs) -> Tensor:
        """Compute the gradients, add to the totals, and return the loss, in the memory that it always has."""
        self._inputs.take(inputs)
        self._replay()
        for parameter, gradient in self._gradients:  # a step without the graph leaves others
            parameter.grad = gradient
        return self._loss


def record(step: Step, recorder: Recorder) -> StepGraph:
    """Record a step. All tensors keep their values; random draws have to be addressed again afterwards.

    Raises:
        NotRecordable: Steps can't be replayed, or a replayed one differs.
    """
    try:
        with _unchanged(_changing(step)) as restore:
            _try_out(step, recorder)
            restore()
            step.address(0)
            inputs = step.inputs(0).clone()
            graph = StepGraph(step.network, inputs, *recorder.record(lambda: step.compute(step.network, inputs)))
            restore()
            expected = _digest(step, partial(step.compute, step.network))
            restore()
            if _digest(step, graph.step) != expected:
                raise NotRecordable("a replayed step differs from a computed one")
            return graph
    except NotRecordable:
        raise
    except Exception as error:
        raise NotRecordable(_reason(error)) from error
    finally:
        step.network.zero_grad(set_to_none=True)


def _try_out(step: Step, recorder: Recorder) -> None:
    """Raise an error if a step does what can't be recorded."""
    step.address(0)
    network = copy.deepcopy(step.network)
    step.compute(network, step.inputs(0))
    step.address(1)
    inputs, attributes, drawn = step.inputs(1), _attributes(network), _host_generators()
    with recorder.strict():
        step.compute(network, inputs)
    if _host_generators() != drawn:
        raise NotRecordable("the model draws random numbers on the CPU")
    if not _are_same(_attributes(network), attributes):
        raise NotRecordable("the model changes its attributes in each step")


def _digest(step: Step, compute: Callable[[StepInputs], Tensor]) -> bytes:
    """Of the bits of everything that some steps change."""
    digest = hashlib.blake2b()
    for number in range(1, 1 + _COMPARED):
        step.address(number)
        loss = compute(step.inputs(number))
        for tensor in (loss, *_changing(step), *(parameter.grad for parameter in step.network.parameters())):
            digest.update(b"" if tensor is None else tensor.detach().cpu().reshape(-1).view(torch.uint8).numpy().data)
    return digest.digest()


def _changing(step: Step) -> list[Tensor]:
    return [*step.network.parameters(), *step.network.buffers(), *step.totals]


@contextmanager
def _unchanged(tensors: Sequence[Tensor]) -> Iterator[Callable[[], None]]:
    """Restores the tensors in place at the end, and whenever the function is called that it yields."""
    saved = [tensor.detach().clone() for tensor in tensors]

    @torch.no_grad()
    def restore() -> None:
        for tensor, value in zip(tensors, saved, strict=True):
            tensor.copy_(value)

    try:
        yield restore
    finally:
        restore()


def _attributes(network: nn.Module) -> list[Any]:
    """Everything that the modules hold, parameters and buffers included, taken out of containers."""
    held: list[Any] = []
    waiting: list[Any] = [vars(module) for module in network.modules()]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict | list | tuple):
            waiting += value.values() if isinstance(value, dict) else value
        else:
            held.append(value)
    return held


def _are_same(found: Sequence[Any], expected: Sequence[Any]) -> bool:
    """Whether these are the same objects, or equal numbers and texts."""
    return len(found) == len(expected) and all(
        one is other or (isinstance(one, int | float | str) and type(one) is type(other) and one == other)
        for one, other in zip(found, expected, strict=True)
    )


def _host_generators() -> tuple[bytes, bytes, Any]:
    """The state of what draws on the CPU: PyTorch's generator, NumPy's and Python's."""
    _, keys, position, *_ = np.random.get_state(legacy=True)
    return torch.get_rng_state().numpy().tobytes(), np.append(keys, position).tobytes(), random.getstate()


def _reason(error: Exception) -> str:
    if isinstance(error, torch.OutOfMemoryError):
        return "the GPU's memory isn't enough for it"
    if "synchroniz" in str(error):
        return "the model waits for the GPU within a step"
    line = next(iter(str(error).splitlines()), "")
    return f"a step can't be recorded: {type(error).__name__}: {line[:200]}"


class CudaRecorder:
    """Records with CUDA graphs."""

    def __init__(self, device: torch.device, dropouts: Sequence[Dropout]) -> None:
        """On this GPU, with the layers whose masks are addressed."""
        self._device = device
        self._dropouts = dropouts

    @contextmanager
    def strict(self) -> Iterator[None]:
        """See Recorder."""
        before = torch.cuda.get_sync_debug_mode()
        torch.cuda.set_sync_debug_mode("error")
        try:
            yield
        finally:
            torch.cuda.set_sync_debug_mode(before)

    def record(self, compute: Callable[[], Tensor]) -> tuple[Tensor, Callable[[], None]]:
        """See Recorder."""
        graph = torch.cuda.CUDAGraph()
        drawing = [(layer, torch.Generator(self._device)) for layer in self._dropouts]
        for layer, generator in drawing:
            graph.register_generator_state(generator)
            layer.generator = generator

        def seed() -> None:
            for layer, generator in drawing:
                generator.manual_seed(layer.seed)

        def replay() -> None:
            seed()
            graph.replay()

        seed()
        try:
            with torch.cuda.device(self._device):
                return self._captured(graph, compute), replay
        finally:
            for layer, _ in drawing:
                layer.generator = None

    def _captured(self, graph: torch.cuda.CUDAGraph, compute: Callable[[], Tensor]) -> Tensor:
        """The result of `compute` in the graph, after steps that are not recorded, all in a stream beside the usual."""
        beside = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        beside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(beside):  # `graph` doesn't leave the stream where recording fails
            try:
                for _ in range(_WARM_UP):
                    compute()
            finally:
                torch.cuda.synchronize()
            try:
                # other threads may use CUDA meanwhile
                with torch.cuda.graph(graph, stream=beside, capture_error_mode="thread_local"):
                    return compute()
            except Exception:
                usual = torch.cuda.default_generators[self._device.index or 0]
                with suppress(RuntimeError):  # before PyTorch 2.13 it can't draw any more, but its clone can
                    usual.graphsafe_set_state(usual.clone_state())
                raise
