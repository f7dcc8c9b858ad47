"""Any module, trained by a CPU in shared passes: same figures, same gradients, same structure."""

from __future__ import annotations

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fmnist_tui.models.fusing import FusedSequential, fuse, unfuse

BATCH = torch.randn(8, 3, 12, 10, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


class Mixed(nn.Module):
    """What users write: blocks in sequence, a shortcut, strides, groups, layers without bias."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(3, 8, 3, padding=1, bias=False),
            nn.BatchNorm2d(8),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2),
            nn.Conv2d(8, 8, 5, padding="same"),
            nn.BatchNorm2d(8),
            nn.ReLU(),
            nn.MaxPool2d(kernel_size=(2, 2), stride=(2, 2)),
        )
        self.grouped = nn.Conv2d(8, 8, 3, padding=1, groups=2)
        self.narrow = nn.Conv2d(8, 8, (1, 3), padding=(0, 1))
        self.strided = nn.Conv2d(8, 8, 3, stride=2, padding=1)
        self.one = nn.Conv2d(8, 6, 1)
        self.out = nn.Linear(6, 4)

    def forward(self, x: Tensor) -> Tensor:
        """(n, 3, h, w) -> (n, 4)."""
        x = self.body(x)
        x = F.relu(x + self.grouped(x) + self.narrow(x))
        logits: Tensor = self.out(self.one(self.strided(x)).mean((2, 3)))
        return logits


def network(seed: int = 0) -> Mixed:
    torch.manual_seed(seed)
    return Mixed().double()


def trained(module: nn.Module) -> list[Tensor]:
    """The output, the gradients and the running figures after a training step's forward and backward pass."""
    module.train()
    output = module(BATCH)
    F.cross_entropy(output, torch.arange(8) % 4).backward()  # type: ignore[no-untyped-call]
    return [output.detach(), *(value.grad for value in module.parameters()), *module.buffers()]


def assert_equal(ours: list[Tensor], theirs: list[Tensor]) -> None:
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_a_fused_module_has_the_same_figures_and_gradients(layout: torch.memory_format) -> None:
    plain, ours = network(), network().to(memory_format=layout)  # type: ignore[call-overload]
    assert fuse(ours) == 2
    assert_equal(trained(ours), trained(plain))
    assert_equal([ours.eval()(BATCH)], [plain.eval()(BATCH)])


def test_a_fused_module_keeps_its_structure() -> None:
    plain, ours = network(), network()
    fuse(ours)
    assert list(ours.state_dict()) == list(plain.state_dict())
    assert all(isinstance(one, type(other)) for one, other in zip(ours.modules(), plain.modules(), strict=True))
    assert type(copy.deepcopy(ours).body) is FusedSequential


def test_a_negative_weight_or_a_hook_leaves_the_three_layers_to_pytorch() -> None:
    plain, ours = network(), network()
    fuse(ours)
    seen: list[Tensor] = []
    for module in (plain, ours):
        norm = module.body[1]
        assert isinstance(norm, nn.BatchNorm2d)
        with torch.no_grad():
            norm.weight[0] = -0.5
        module.body[6].register_forward_hook(lambda _module, _inputs, output: seen.append(output))
    assert_equal(trained(ours), trained(plain))
    assert len(seen) == 2


class Own(nn.BatchNorm2d):
    """A normalisation of somebody's own."""


@pytest.mark.parametrize(
    "module",
    [
        nn.Sequential(Own(3), nn.ReLU(), nn.MaxPool2d(2)),
        nn.Sequential(nn.BatchNorm2d(3), nn.ReLU(), nn.MaxPool2d(3)),
        nn.Sequential(nn.BatchNorm2d(3), nn.ReLU(), nn.MaxPool2d(2, stride=1)),
        nn.Sequential(nn.BatchNorm2d(3), nn.ReLU(), nn.MaxPool2d(2, ceil_mode=True)),
        nn.Sequential(nn.BatchNorm2d(3, affine=False), nn.ReLU(), nn.MaxPool2d(2)),
        nn.Sequential(nn.BatchNorm2d(3, momentum=None), nn.ReLU(), nn.MaxPool2d(2)),
        nn.Sequential(nn.BatchNorm2d(3, track_running_stats=False), nn.ReLU(), nn.MaxPool2d(2)),
        nn.Sequential(nn.BatchNorm2d(3), nn.GELU(), nn.MaxPool2d(2)),
    ],
    ids=repr,
)
def test_what_computes_anything_else_stays_as_it_is(module: nn.Module) -> None:
    kinds = [type(one) for one in module.modules()]
    assert fuse(module) == 0
    assert [type(one) for one in module.modules()] == kinds


def test_shared_passes_can_be_switched_off() -> None:
    """Then the same module computes bit for bit as PyTorch does."""
    plain, ours = network(), network()
    fuse(ours)
    unfuse(ours)
    assert all(torch.equal(one, other) for one, other in zip(trained(ours), trained(plain), strict=True))
