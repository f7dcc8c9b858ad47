"""The PyTorch engine: any module from images to logits, trained with cross-entropy."""

from __future__ import annotations

import ctypes
import platform
import random
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from fmnist_tui.models.fused_layers import Dropout
from fmnist_tui.models.fusing import fuse, unfuse
from fmnist_tui.models.user_code import quiet
from fmnist_tui.training.augment import Augmentation
from fmnist_tui.training.averaging import AveragedModule, all_tensors, as_array, restore_tensors, stored_tensors
from fmnist_tui.training.config import Hyperparameters
from fmnist_tui.training.cuda_graph import CudaRecorder, NotRecordable, Recorder, Step, StepGraph, record
from fmnist_tui.training.engine import DeadFractions, GraphUse, Indices, StepNorms, Tensors, Totals
from fmnist_tui.training.optimizers import clip_gradients, make_optimizer
from fmnist_tui.training.streams import Stream, address, generator
from fmnist_tui.training.torch_dynamics import ActiveUnits, StepMeasure, trained_layers
from fmnist_tui.training.torch_feed import Feed, StepInputs

_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
_THRESHOLD = 2**30  # bytes


def keep_freed_memory() -> bool:
    """Make glibc keep freed memory; return whether it does.

    By default glibc maps blocks above 32 MB on every allocation and unmaps them when freed: the page faults slow down a
    CNN's step by 10% to 40%. The price is that memory stays with the process. Nothing to do on macOS and musl.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    libc = ctypes.CDLL(None)
    return bool(libc.mallopt(_M_MMAP_THRESHOLD, _THRESHOLD) and libc.mallopt(_M_TRIM_THRESHOLD, _THRESHOLD))


_drawing = threading.Lock()
"""Held while a custom module computes: all threads of a process share the generators that it may draw from."""


def prepare(threads: int) -> None:
    """Set up the process: `threads` CPU threads, deterministic GPU kernels."""
    torch.set_num_threads(threads)
    torch.backends.cudnn.deterministic = True
    keep_freed_memory()


def seeded_network(build: Callable[[], Any], seed: int) -> nn.Module:
    """The network that `build` returns, on the CPU, with weights that depend on the seed only.

    PyTorch's random state is left unchanged. Only the CPU's generator is seeded: `torch.manual_seed` would seed those
    of all GPUs as well.

    Raises:
        TypeError: `build` doesn't return an `nn.Module`.
    """
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(int(generator(seed, Stream.INIT).integers(2**62)))
        network = build()
    if not isinstance(network, nn.Module):
        raise TypeError(f"a PyTorch model must be an nn.Module, not a {type(network).__name__}")
    return network


class TorchEngine:
    """A module, its optimiser and the training images on one device.

    A loss that is not finite changes no weight; no step has to wait for the device to find out.

    A module that is not built in may contain anything. Whatever it draws from the generators of torch, NumPy and
    Python is addressed: they are seeded before each step and each evaluation. And unless it has been checked, its
    convolutions see images in PyTorch's usual memory layout, since `view` fails on the one that is faster.
    """

    def __init__(
        self,
        network: nn.Module,
        settings: Hyperparameters,
        seed: int,
        images: NDArray[np.uint8],
        labels: NDArray[Any],
        device: str,
        *,
        plain: bool = False,
        fused: bool = True,
    ) -> None:
        """Put module and images on the device.

        Args:
            network: The module.
            settings: The hyper-parameters, with the input scale known.
            seed: The run's seed.
            images: uint8, (n, H, W).
            labels: uint8, (n,).
            device: As PyTorch names it.
            plain: Whether the module is not built in.
            fused: Whether a CPU trains some of its layers in shared passes, with channels last.
        """
        self._plain = plain
        fused = fused and device == "cpu"
        self._settings = settings
        self._seed = seed
        self._device = torch.device(device)
        self._layout = torch.contiguous_format if device == "mps" or (plain and not fused) else torch.channels_last
        self._network = network.to(self._device, memory_format=self._layout)  # type: ignore[call-overload]
        (fuse if fused else unfuse)(self._network)
        self._dropouts = [layer for layer in network.modules() if isinstance(layer, Dropout)]
        self._images = torch.tensor(images, device=self._device)
        self._labels = torch.tensor(labels.astype(np.int64), device=self._device)
        self._scale, self._offset = settings.pixel_scaling
        self._augmentation = Augmentation(settings, seed)
        self._feed = Feed(self._augmentation, images.shape[2:], self._device)
        self._padded = self._padded_images(images) if self._augmentation.margin else None
        self._optimizer = make_optimizer(self._network, settings)
        self._average = AveragedModule(self._network, settings.ema, strict=not plain) if settings.ema else None
        self._loss = torch.zeros((), device=self._device)
        self._correct = torch.zeros((), dtype=torch.int64, device=self._device)
        self._seen = 0
        self._graph: StepGraph | None = None
        self.graph = GraphUse(used=False, reason="switched off") if self._device.type == "cuda" else None

    @property
    def parameters(self) -> int:
        """The number of trained parameters."""
        return sum(value.numel() for value in self._network.parameters() if value.requires_grad)

    @property
    def layers(self) -> tuple[str, ...]:
        """The names of the modules with trained parameters of their own, in the order of their definition."""
        return tuple(trained_layers(self._network))

    def expect(self, batches: Sequence[Indices], epoch: int, first: int) -> None:
        """Upload what the next steps draw; see Engine."""
        self._feed.expect(batches, epoch, first)

    def use_graph(self, indices: Indices, recorder: Recorder | None = None) -> None:
        """Replay full batches from now on, if a step can be recorded and repeats to the bit; `graph` says so.

        Args:
            indices: The images of training, in any order; the state stays as it is.
            recorder: Records and replays; None for CUDA's graphs.
        """
        size = self._settings.batch_size
        batches = indices[:size], indices[-size:]

        def inputs(step: int) -> StepInputs:
            return self._feed.of(batches[step % 2], 1, step)

        def address_step(step: int) -> None:
            self._address(1, step)

        recorder = recorder or CudaRecorder(self._device, self._dropouts)
        step = Step(self._network, (self._loss, self._correct), inputs, address_step, self._compute)
        try:
            if len(indices) < size:
                raise NotRecordable("no batch is full")
            with self._alone():
                self._graph = record(step, recorder)
        except NotRecordable as error:
            self.graph = GraphUse(used=False, reason=str(error))
        else:
            self.graph = GraphUse(used=True)

    def step(self, indices: Indices, learning_rate: float, epoch: int, step: int) -> None:
        """Take one step of the optimiser; (epoch, step) address the augmentation and the dropout masks."""
        self._update(self._differentiate(indices, epoch, step), learning_rate)

    def measured_step(self, indices: Indices, learning_rate: float, epoch: int, step: int) -> StepNorms:
        """The same step; see Engine."""
        measure = StepMeasure(self._network)
        loss = self._differentiate(indices, epoch, step, replay=False)
        measure.note_gradients()
        self._update(loss, learning_rate)
        return measure.norms()

    def gradients(self, indices: Indices) -> tuple[Totals, Tensors]:
        """The totals and the gradients of the run's first step on these images, which isn't taken."""
        self._differentiate(indices, 1, 0, replay=False)
        named = self._network.named_parameters()
        return self.take_totals(), {name: as_array(value.grad) for name, value in named if value.grad is not None}

    def _differentiate(self, indices: Indices, epoch: int, step: int, *, replay: bool = True) -> Tensor:
        """Compute the gradients on these images and add to the totals; return the loss."""
        given = self._feed.of(indices, epoch, step)
        self._seen += len(indices)
        with self._alone():
            self._address(epoch, step)
            if replay and self._graph is not None and len(indices) == self._settings.batch_size:
                return self._graph.step(given)
            return self._compute(self._network, given)

    def _address(self, epoch: int, step: int) -> None:
        """Address all that is drawn while the network computes."""
        for number, layer in enumerate(self._dropouts):
            layer.address = (*address(self._seed, Stream.DROPOUT, epoch, step), number)
        if self._plain:
            self._seed_generators(address(self._seed, Stream.MODULE, epoch, step))

    def _compute(self, network: nn.Module, given: StepInputs) -> Tensor:
        """What a device does in a step before the update; nothing here waits for it, so that it can be recorded."""
        labels = self._labels[given.chosen]
        inputs = self._as_inputs(self._training_pixels(given))
        if given.weights is not None:
            inputs = inputs.lerp(inputs[given.partners], given.weights[1])
        network.train()
        logits = self._forward(network, inputs)
        loss = self._loss_of(logits, labels, given)
        network.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        with torch.no_grad():
            self._loss += loss.detach() * len(labels)
            self._correct += (logits.argmax(dim=1) == labels).sum()
        return loss.detach()

    def _update(self, loss: Tensor, learning_rate: float) -> None:
        clip_gradients(self._network, self._settings.clip)
        self._optimizer.step(learning_rate, loss)
        if self._average:
            self._average.step()

    def take_totals(self) -> Totals:
        """The totals over the steps since the last call. Waits for the device."""
        totals = Totals(float(self._loss), 0.0, int(self._correct), self._seen)
        self._clear()
        return totals

    @torch.no_grad()
    def evaluate(self, indices: Indices) -> Totals:
        """The totals over these images, in evaluation mode."""
        chosen = torch.from_numpy(indices).to(self._device)
        labels = self._labels[chosen]
        logits = self._logits(self._images[chosen])
        smoothing = self._settings.label_smoothing
        nll = float(F.cross_entropy(logits, labels, reduction="sum"))
        loss = float(F.cross_entropy(logits, labels, label_smoothing=smoothing, reduction="sum"))
        return Totals(loss, nll, int((logits.argmax(dim=1) == labels).sum()), len(indices))

    def evaluate_units(self, indices: Indices) -> tuple[Totals, DeadFractions]:
        """As `evaluate`, and which units are zero for all of these images after a ReLU."""
        with ActiveUnits(self._scored) as active:
            totals = self.evaluate(indices)
        if self._plain:  # it may compute otherwise while it is observed, as PyTorch's transformer layers do
            totals = self.evaluate(indices)
        return totals, active.dead_fractions()

    @torch.no_grad()
    def predict(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The softmax of the logits, (n, classes), for uint8 images (n, C, H, W)."""
        logits = self._logits(torch.tensor(images, device=self._device))
        probabilities: NDArray[np.float32] = logits.softmax(dim=1).cpu().numpy()
        return probabilities

    @property
    def scored_network(self) -> nn.Module:
        """The module that predicts, for those who look inside it."""
        return self._scored

    def inputs_of(self, images: NDArray[np.uint8]) -> Tensor:
        """What the module is given for uint8 images (n, C, H, W): float32, the same shape."""
        return self._as_inputs(torch.tensor(images, device=self._device))

    def weights(self) -> Tensors:
        """A copy of the scored module's state: parameters and buffers, such as running statistics."""
        return {name: as_array(value) for name, value in all_tensors(self._scored).items()}

    def state(self) -> Tensors:
        """A copy of the trained module's state, of the optimiser's, and of the averages, if there are any."""
        tensors = {name: as_array(value) for name, value in all_tensors(self._network).items()}
        tensors |= {name: as_array(value) for name, value in self._optimizer.tensors().items()}
        return tensors | (self._average.state() if self._average else {})

    def load_state(self, tensors: Mapping[str, NDArray[Any]]) -> None:
        """Restore a `state`. If it is invalid, ValueError is raised and the engine stays as it is.

        Tensors keep the memory layout of this engine.
        """
        own = all_tensors(self._network)
        stored = stored_tensors(self._network, own, tensors, strict=not self._plain)
        weights = {name: torch.tensor(value) for name, value in stored.items()}
        averages = self._average.read(tensors) if self._average else {}
        self._optimizer.take(self._optimizer.load(tensors))
        with torch.no_grad():
            restore_tensors(self._network, own, weights)
        if self._average:
            self._average.take(averages, tensors)
        self._clear()

    @property
    def _scored(self) -> nn.Module:
        """The module that is validated, scored and saved: the averaged one, if there is one."""
        return self._average.module if self._average else self._network

    def _loss_of(self, logits: Tensor, labels: Tensor, given: StepInputs) -> Tensor:
        smoothing = self._settings.label_smoothing
        loss = F.cross_entropy(logits, labels, label_smoothing=smoothing)
        if given.weights is None:
            return loss
        other = F.cross_entropy(logits, labels[given.partners], label_smoothing=smoothing)
        return given.weights[0] * loss + given.weights[1] * other

    def _autocast(self) -> AbstractContextManager[Any]:
        return (
            torch.autocast(self._device.type, torch.bfloat16) if self._settings.precision == "bf16" else nullcontext()
        )

    def _padded_images(self, images: NDArray[np.uint8]) -> Tensor:
        """A view of all shifts of all images (n, C, H, W): (n, 2 * margin + 1, 2 * margin + 1, C, H, W)."""
        padded = torch.tensor(self._augmentation.padded(images), device=self._device)
        return padded.unfold(2, images.shape[2], 1).unfold(3, images.shape[3], 1).permute(0, 2, 3, 1, 4, 5)

    def _training_pixels(self, given: StepInputs) -> Tensor:
        pixels = self._images[given.chosen] if self._padded is None else self._padded[given.chosen, *given.window]
        if self._augmentation.flips:
            pixels = torch.where(given.flips[:, None, None, None], pixels.flip(3), pixels)
        for replaced, values in given.patches:
            pixels = torch.where(replaced.unsqueeze(1), values.unsqueeze(1), pixels)
        return pixels

    def _as_inputs(self, pixels: Tensor) -> Tensor:
        """uint8 pixels (n, C, H, W) as float32 inputs, scaled by the recipe."""
        inputs = pixels.to(torch.float32).mul_(self._scale)
        return inputs.add_(self._offset).contiguous(memory_format=self._layout)

    def _logits(self, pixels: Tensor) -> Tensor:
        self._scored.eval()
        with self._alone():
            if self._plain:
                self._seed_generators(address(self._seed, Stream.MODULE, 0, 0))
            return self._forward(self._scored, self._as_inputs(pixels))

    def _forward(self, module: nn.Module, inputs: Tensor) -> Tensor:
        with self._autocast():
            logits: Tensor = module(inputs)
        return logits.float()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Within it a custom module may compute: no other one draws, and what it prints goes to standard error."""
        if not self._plain:
            yield
            return
        with _drawing, quiet():
            yield

    def _seed_generators(self, entropy: tuple[int, ...]) -> None:
        """Seed the generators of torch (on the CPU and on this device), NumPy and Python; takes 30 µs."""
        first, second = np.random.SeedSequence(entropy).generate_state(2, np.uint64).tolist()
        torch.default_generator.manual_seed(first)
        if self._device.type == "cuda":
            torch.cuda.default_generators[self._device.index or 0].manual_seed(first)
        elif self._device.type == "mps":
            torch.mps.manual_seed(first)
        np.random.seed(second & 0xFFFF_FFFF)
        random.seed(second)

    def _clear(self) -> None:
        """In place: a recorded step adds to the same memory each time."""
        self._loss.zero_()
        self._correct.zero_()
        self._seen = 0
