from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from fmnist_tui.training.optimizers import Muon, clip_gradients, make_optimizer, orthogonalised

from .samples import config

FINE, BAD = torch.tensor(1.0), torch.tensor(float("nan"))


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 6, 3), nn.BatchNorm2d(6), nn.Flatten(), nn.Linear(54, 3))


def with_gradients(module: nn.Module) -> nn.Module:
    module.zero_grad()
    module(torch.linspace(-1, 1, 4 * 25).view(4, 1, 5, 5)).square().sum().backward()
    return module


def settings(**changes: Any) -> Any:
    return replace(config("v1").hyperparameters, **changes)


@pytest.mark.parametrize("shape", [(20, 50), (50, 20), (7, 7)])
def test_the_iteration_brings_all_singular_values_near_one(shape: tuple[int, int]) -> None:
    matrix = torch.from_numpy(np.random.default_rng(0).normal(size=shape).astype(np.float32))
    values = torch.linalg.svdvals(orthogonalised(matrix))
    assert values.min() > 0.5
    assert values.max() < 1.3


def test_the_iteration_keeps_the_singular_vectors() -> None:
    matrix = torch.from_numpy(np.random.default_rng(1).normal(size=(6, 9)).astype(np.float32))
    left, _, right = torch.linalg.svd(matrix, full_matrices=False)
    inner = left.t() @ orthogonalised(matrix) @ right.t()
    assert (inner - torch.diag(inner.diagonal())).abs().max() < 1e-4


def test_muon_moves_matrices_as_far_as_adamw_would_and_leaves_vectors_to_it() -> None:
    module, rate = network(), 0.1
    for parameter in module.parameters():
        parameter.grad = torch.randn_like(parameter)
    before = {name: value.detach().clone() for name, value in module.named_parameters()}
    make_optimizer(module, settings(optimizer="muon", weight_decay=0.0)).step(rate, FINE)
    for name, value in module.named_parameters():
        moved = (value.detach() - before[name]).square().mean().sqrt() / rate
        assert (0.15 < moved < 0.25) if value.ndim >= 2 else moved == pytest.approx(1.0, rel=0.01), name


def test_muons_momentum_is_nesterovs() -> None:
    value = nn.Parameter(torch.eye(3))
    optimizer = Muon({"one": value}, settings(optimizer="muon", muon_momentum=0.5, weight_decay=0.0))
    value.grad = torch.diag(torch.tensor([1.0, 2.0, 3.0]))
    optimizer.step(0.0, FINE)
    optimizer.step(0.0, FINE)
    np.testing.assert_allclose(optimizer.tensors()["optimizer.velocity.one"], 1.5 * value.grad)


@pytest.mark.parametrize("optimizer", ["sgd", "adamw", "muon"])
def test_a_step_whose_loss_is_not_finite_changes_nothing(optimizer: str) -> None:
    module = with_gradients(network())
    made = make_optimizer(module, settings(optimizer=optimizer, **({"momentum": 0.9} if optimizer == "sgd" else {})))
    made.step(0.1, FINE)
    now = [*module.parameters(), *made.tensors().values()]
    before = [value.detach().clone() for value in now]
    for value in module.parameters():
        assert value.grad is not None
        value.grad.fill_(float("nan"))
    made.step(0.1, BAD)
    now = [*module.parameters(), *made.tensors().values()]
    assert all(torch.equal(value, other) for value, other in zip(now, before, strict=True))


@pytest.mark.parametrize("nesterov", [False, True])
def test_sgd_is_pytorchs(nesterov: bool) -> None:
    ours, theirs = network(), network()
    made = make_optimizer(ours, settings(optimizer="sgd", momentum=0.9, nesterov=nesterov, weight_decay=0.1))
    plain = torch.optim.SGD(theirs.parameters(), 0.05, momentum=0.9, nesterov=nesterov, weight_decay=0.1)
    for _ in range(3):
        with_gradients(ours)
        for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True):
            other.grad = mine.grad  # each one's own would differ more and more: at this rate the training diverges
        made.step(0.05, FINE)
        plain.step()
    for value, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(value, other)


def test_gradients_are_clipped_together() -> None:
    module = with_gradients(network())
    clip_gradients(module, 0.0)
    before = [value.grad.clone() for value in module.parameters() if value.grad is not None]
    clip_gradients(module, 0.25)
    after = [value.grad for value in module.parameters() if value.grad is not None]
    assert torch.stack([value.norm() for value in after]).norm() == pytest.approx(0.25, rel=1e-4)
    for value, other in zip(after, before, strict=True):
        torch.testing.assert_close(value / value.norm(), other / other.norm())
