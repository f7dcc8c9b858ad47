"""A change of any value below breaks the promise of a bit-exact resume: raise STREAM_NUMBER, renew them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from fmnist_tui.models.fused_layers import Dropout
from fmnist_tui.training import augment
from fmnist_tui.training.numpy_engine import NumpyEngine
from fmnist_tui.training.streams import STREAM_NUMBER, Stream, address, epoch_order, generator

from .samples import config, pictures, seeded, v0_network


def test_the_golden_values_below_are_those_of_this_stream_number() -> None:
    assert STREAM_NUMBER == 3


def test_the_numbers_of_the_streams_never_change() -> None:
    assert {stream.name: int(stream) for stream in Stream} == {
        "INIT": 1,
        "ORDER": 2,
        "AUGMENT": 3,
        "DROPOUT": 4,
        "MODULE": 5,
        "ERASE": 6,
        "CUTOUT": 7,
        "MIXUP": 8,
    }
    assert address(7, Stream.AUGMENT, 3, 11) == (7, 3, 3, 11)


def test_the_golden_order_of_an_epoch() -> None:
    assert epoch_order(0, 1, np.arange(10)).tolist() == [1, 7, 2, 0, 3, 6, 9, 4, 8, 5]
    assert epoch_order(2**32 - 1, 2, np.arange(10)).tolist() == [9, 1, 8, 2, 0, 5, 4, 6, 3, 7]


def test_the_golden_augmentation_of_a_step() -> None:
    draws = augment.draw(8, generator(0, Stream.AUGMENT, 1, 5))
    assert draws.flips.astype(int).tolist() == [0, 0, 0, 1, 0, 0, 0, 0]
    assert draws.rows.tolist() == [0, 0, 1, 1, 1, 2, 2, 0]
    assert draws.columns.tolist() == [1, 1, 2, 0, 1, 0, 1, 1]


def test_the_golden_dropout_mask_of_a_step() -> None:
    layer = Dropout(0.5).train()
    layer.address = (*address(0, Stream.DROPOUT, 1, 5), 2)
    kept = (layer(torch.ones(16)) > 0).int().tolist()
    assert kept == [1, 0, 0, 0, 1, 0, 1, 0, 0, 1, 0, 1, 0, 0, 0, 1]


def test_v0s_golden_first_weights() -> None:
    weights = NumpyEngine(v0_network(), config().hyperparameters, 0, *pictures(10)).weights()
    np.testing.assert_allclose(weights["layers.0.weight"][0, :3], [-0.052542768, 0.0020211043, 0.036474295], rtol=1e-6)
    np.testing.assert_allclose(weights["layers.2.weight"][9, -2:], [-0.23875335, -0.10219485], rtol=1e-6)


def test_the_cnns_golden_first_weights() -> None:
    weights = seeded("v3", 0).state_dict()
    row, bias = weights["conv1.weight"][0, 0, 0], weights["output.bias"]
    np.testing.assert_allclose(row.numpy(), [0.26862544, 0.013350368, -0.31525311], rtol=1e-5)
    np.testing.assert_allclose(bias[:3].numpy(), [-0.010197412, -0.025941114, -0.025652103], rtol=1e-5)


def test_an_order_is_a_permutation_of_its_indices() -> None:
    indices = np.arange(100, 1100, 2)
    order = epoch_order(3, 1, indices)
    assert order.dtype == np.int64
    assert not np.array_equal(order, indices)
    np.testing.assert_array_equal(np.sort(order), indices)


@pytest.mark.parametrize("other", [(1, Stream.ORDER, 1, 1), (0, Stream.AUGMENT, 1, 1), (0, Stream.ORDER, 2, 1)])
def test_another_seed_stream_epoch_or_step_draws_something_unrelated(other: tuple[int, Stream, int, int]) -> None:
    mine = generator(0, Stream.ORDER, 1, 1).random(2000)
    for draws in (generator(*other).random(2000), generator(0, Stream.ORDER, 1, 2).random(2000)):
        assert abs(np.corrcoef(mine, draws)[0, 1]) < 0.1
        assert not np.isin(draws, mine).any()


def test_an_address_draws_the_same_whatever_was_drawn_before() -> None:
    first = generator(4, Stream.AUGMENT, 2, 9).random(5)
    generator(4, Stream.AUGMENT, 2, 8).random(1000)
    np.random.default_rng().random()
    np.testing.assert_array_equal(generator(4, Stream.AUGMENT, 2, 9).random(5), first)


def test_v2_and_v3_of_a_seed_start_from_the_same_weights() -> None:
    two, three, other = (seeded(*who).state_dict() for who in (("v2", 5), ("v3", 5), ("v3", 6)))
    assert all(torch.equal(two[name], three[name]) for name in two)
    assert not torch.equal(three["output.weight"], other["output.weight"])


def test_building_a_network_leaves_torchs_generator_as_it_was() -> None:
    before = torch.get_rng_state()
    seeded("v1", 0)
    assert torch.equal(torch.get_rng_state(), before)


def test_building_a_network_seeds_no_gpus_generator(monkeypatch: pytest.MonkeyPatch) -> None:
    gpu_seeds: list[int] = []
    monkeypatch.setattr(torch.cuda, "manual_seed_all", gpu_seeds.append)
    seeded("v1", 0)
    assert gpu_seeds == []
