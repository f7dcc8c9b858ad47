"""The layers that are PyTorch's own but for their speed: same figures, same gradients, on a CPU."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fmnist_tui.models import fused_layers
from fmnist_tui.models.fused_layers import Convolution, ReluNormPool

LAYOUTS = [torch.contiguous_format, torch.channels_last]


def gradients(function: Callable[[Tensor], Tensor], layer: nn.Module, inputs: Tensor) -> list[Tensor]:
    """The output, and the gradients of a sum that weighs each of its numbers otherwise: of inputs and of weights."""
    leaf = inputs.clone(memory_format=torch.preserve_format).requires_grad_()
    layer.zero_grad()
    output = function(leaf * 1.0)
    (output * torch.linspace(-1.0, 2.0, output.numel(), dtype=output.dtype).view(output.shape)).sum().backward()  # type: ignore[no-untyped-call]
    return [output.detach(), leaf.grad, *(weight.grad for weight in layer.parameters())]  # type: ignore[list-item]


def assert_equal(ours: list[Tensor], theirs: list[Tensor]) -> None:
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(("channels", "size", "padding"), [(1, 3, 1), (3, 3, 0), (2, 5, 2), (4, 1, 0)])
def test_a_convolution_has_pytorchs_figures_and_gradients(
    channels: int, size: int, padding: int, layout: torch.memory_format
) -> None:
    torch.manual_seed(0)
    ours = Convolution(channels, 6, size, padding=padding).double().to(memory_format=layout)  # type: ignore[call-overload]
    inputs = torch.rand(4, channels, 9, 7, dtype=torch.float64).contiguous(memory_format=layout)
    assert_equal(gradients(ours, ours, inputs), gradients(lambda x: nn.Conv2d.forward(ours, x), ours, inputs))


def test_large_patches_are_left_to_pytorch(monkeypatch: pytest.MonkeyPatch) -> None:
    """They need nine times the memory of the inputs."""
    monkeypatch.setattr(fused_layers, "_LARGEST", 100)
    monkeypatch.setattr(fused_layers, "_patches", None)
    torch.manual_seed(0)
    ours, inputs = Convolution(2, 6, 3).double(), torch.rand(4, 2, 9, 7, dtype=torch.float64)
    assert_equal(gradients(ours, ours, inputs), gradients(lambda x: nn.Conv2d.forward(ours, x), ours, inputs))


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("shape", [(4, 3, 8, 6), (3, 2, 7, 9), (1, 5, 2, 2)])
@pytest.mark.parametrize("lowest", [0.5, -0.5, 0.0], ids=["weights above 0", "some below", "some 0"])
def test_relu_norm_and_pool_have_pytorchs_figures_and_gradients(
    shape: tuple[int, int, int, int], lowest: float, layout: torch.memory_format
) -> None:
    torch.manual_seed(0)
    ours, theirs = ReluNormPool(shape[1]).double(), nn.BatchNorm2d(shape[1]).double()
    with torch.no_grad():
        ours.weight.copy_(torch.linspace(lowest, 2.0, shape[1]))
        ours.bias.uniform_(-1.0, 1.0)
    theirs.load_state_dict(ours.state_dict())
    inputs = torch.randn(*shape, dtype=torch.float64).contiguous(memory_format=layout)
    plain = gradients(lambda x: F.max_pool2d(theirs(F.relu(x)), 2), theirs, inputs)
    assert_equal(gradients(ours, ours, inputs), plain)
    assert_equal(list(ours.buffers()), list(theirs.buffers()))
    ours.eval()
    theirs.eval()
    assert_equal([ours(inputs)], [F.max_pool2d(theirs(F.relu(inputs)), 2)])


def test_inputs_that_somebody_else_owns_are_left_alone() -> None:
    inputs = torch.randn(2, 3, 4, 4)
    before = inputs.clone()
    ReluNormPool(3)(inputs)
    assert torch.equal(inputs, before)
