from __future__ import annotations

import math

import pytest
import torch

from fmnist_tui.models.fused_layers import Dropout

SHAPE = (64, 16, 12, 12)
COUNT = math.prod(SHAPE)


def dropout(p: float = 0.1, address: tuple[int, ...] = (0, 4, 1, 7, 0)) -> Dropout:
    layer = Dropout(p)
    layer.address = address
    return layer.train()


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_as_many_numbers_are_zeroed_as_p_says(p: float) -> None:
    zeroed = (dropout(p)(torch.ones(SHAPE)) == 0).double().mean().item()
    four_deviations = 4 * math.sqrt(p * (1 - p) / COUNT)
    assert abs(zeroed - p) < four_deviations


def test_the_others_are_divided_by_1_minus_p_so_that_the_mean_stays() -> None:
    inputs = torch.rand(SHAPE, generator=torch.Generator().manual_seed(0)) + 1.0
    outputs = dropout(0.25)(inputs)
    kept = outputs != 0
    torch.testing.assert_close(outputs[kept], inputs[kept] / 0.75)
    assert outputs.mean().item() == pytest.approx(inputs.mean().item(), rel=0.01)


def test_the_same_address_gives_the_same_mask() -> None:
    inputs = torch.ones(SHAPE)
    assert torch.equal(dropout()(inputs), dropout()(inputs))


@pytest.mark.parametrize("other", [(1, 4, 1, 7, 0), (0, 4, 2, 7, 0), (0, 4, 1, 8, 0), (0, 4, 1, 7, 1), (0, 4, 7, 1, 0)])
def test_another_seed_epoch_step_or_layer_gives_an_unrelated_mask(other: tuple[int, ...]) -> None:
    inputs = torch.ones(SHAPE)
    one, two = (dropout(0.5, address)(inputs) == 0 for address in ((0, 4, 1, 7, 0), other))
    agreeing = (one == two).double().mean().item()
    assert abs(agreeing - 0.5) < 4 * math.sqrt(0.25 / COUNT)


def test_the_mask_depends_on_neither_the_numbers_nor_torchs_generator() -> None:
    zeros_of = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        zeros_of.append(dropout()(torch.rand(SHAPE) + 1.0) == 0)
    assert torch.equal(*zeros_of)


def test_drawing_a_mask_leaves_torchs_generator_alone() -> None:
    before = torch.get_rng_state()
    dropout()(torch.ones(SHAPE))
    assert torch.equal(torch.get_rng_state(), before)


def test_within_one_memory_layout_the_mask_is_a_function_of_address_and_shape() -> None:
    """The bits follow the memory, so channels_last puts them at other places, the same ones each time."""
    inputs = torch.ones(SHAPE)
    channels_last = inputs.contiguous(memory_format=torch.channels_last)
    one, two = dropout()(channels_last), dropout()(channels_last.clone())
    assert torch.equal(one, two)
    assert one.stride() == channels_last.stride()
    in_memory_order = one.permute(0, 2, 3, 1).reshape(-1)
    assert torch.equal(in_memory_order, dropout()(inputs).reshape(-1))


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_the_gradient_is_the_mask_times_the_scale(layout: torch.memory_format) -> None:
    inputs = torch.ones(SHAPE).contiguous(memory_format=layout).requires_grad_()
    outputs = dropout(0.2)(inputs)
    weights = torch.rand(SHAPE, generator=torch.Generator().manual_seed(0))
    (outputs * weights).sum().backward()
    assert inputs.grad is not None
    torch.testing.assert_close(inputs.grad, (outputs.detach() != 0) * weights / 0.8)


def test_a_size_that_is_no_multiple_of_four_works() -> None:
    for count in (1, 2, 3, 5):
        assert dropout(0.5)(torch.ones(count)).shape == (count,)


def test_evaluation_changes_nothing() -> None:
    inputs = torch.rand(SHAPE)
    assert torch.equal(dropout(0.5).eval()(inputs), inputs)


def test_p_of_zero_changes_nothing() -> None:
    inputs = torch.rand(SHAPE)
    assert torch.equal(dropout(0.0)(inputs), inputs)


def test_what_print_shows_names_p() -> None:
    assert repr(Dropout(0.1)) == "Dropout(p=0.1)"
