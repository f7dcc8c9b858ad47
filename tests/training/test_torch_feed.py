"""What steps take from the host is uploaded once for a log interval, and is the same as if each step took it alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from fmnist_tui.models.hyperparameters import Hyperparameters
from fmnist_tui.training import torch_feed
from fmnist_tui.training.augment import Augmentation
from fmnist_tui.training.torch_engine import TorchEngine
from fmnist_tui.training.torch_feed import Feed

from .samples import assert_same_tensors, config, pictures, seeded

CPU = torch.device("cpu")
ORDER = np.random.default_rng(0).permutation(60)
BATCHES = [ORDER[:24], ORDER[24:48], ORDER[48:]]
"""The last one is smaller."""


def settings(**changes: object) -> Hyperparameters:
    given = {name: str(value) for name, value in {"flip": "on", "shift": 1, **changes}.items()}
    return config("v1", given=given).hyperparameters


@pytest.fixture
def uploads(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, ...]]:
    """The shapes of what is uploaded."""
    seen: list[tuple[int, ...]] = []
    upload = torch_feed.upload

    def noted(array: NDArray[Any], device: torch.device) -> torch.Tensor:
        seen.append(array.shape)
        return upload(array, device)

    monkeypatch.setattr(torch_feed, "upload", noted)
    return seen


@pytest.mark.parametrize(
    ("changes", "rows"), [({}, 4), ({"mixup": 0.4}, 5), ({"flip": "off", "shift": 0}, 1), ({"shift": 0}, 4)]
)
def test_announced_steps_are_one_upload(changes: dict[str, object], rows: int, uploads: list[tuple[int, ...]]) -> None:
    augmentation = Augmentation(settings(**changes), 3)
    feed = Feed(augmentation, (28, 28), CPU)
    feed.expect(BATCHES, 2, 7)
    for at, batch in enumerate(BATCHES):
        given, draws = feed.of(batch, 2, 7 + at), augmentation.draw(len(batch), 2, 7 + at)
        np.testing.assert_array_equal(given.chosen.numpy(), batch)
        if augmentation.moves:
            np.testing.assert_array_equal(given.window[0].numpy(), draws.rows)
            np.testing.assert_array_equal(given.window[1].numpy(), draws.columns)
        if augmentation.flips:
            np.testing.assert_array_equal(given.flips.numpy(), draws.flips)
        if mixture := augmentation.mixture(len(batch), 2, 7 + at):
            assert given.weights is not None
            np.testing.assert_array_equal(given.partners.numpy(), mixture.partners)
            assert given.weights.tolist() == pytest.approx([mixture.weight, 1 - mixture.weight])
    assert uploads == [(rows, 60), *([(3, 2)] if "mixup" in changes else [])]


def test_more_steps_are_uploaded_while_the_first_ones_are_computed(
    uploads: list[tuple[int, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch_feed, "TOGETHER", 2)
    feed = Feed(Augmentation(settings(), 3), (28, 28), CPU)
    feed.expect(BATCHES, 1, 0)
    seen = []
    for at, batch in enumerate(BATCHES):
        feed.of(batch, 1, at)
        seen.append(len(uploads))
    assert seen == [1, 1, 2]
    assert uploads == [(4, 48), (4, 12)]


def test_a_step_with_other_images_than_announced_is_no_mistake(uploads: list[tuple[int, ...]]) -> None:
    feed = Feed(Augmentation(settings(), 3), (28, 28), CPU)
    feed.expect(BATCHES, 1, 0)
    assert feed.of(BATCHES[1], 1, 0).chosen.tolist() == BATCHES[1].tolist()
    assert feed.of(BATCHES[0], 2, 0).chosen.tolist() == BATCHES[0].tolist()
    assert uploads == [(4, 24)] * 2


def test_inputs_are_copied_into_the_memory_of_others() -> None:
    changes: dict[str, object] = {"mixup": 0.4, "erase": 0.5, "cutout": 5}
    feed = Feed(Augmentation(settings(**changes), 3), (28, 28), CPU)
    first, second = feed.of(BATCHES[0], 1, 0), feed.of(BATCHES[1], 1, 1)
    own = first.clone()
    tensors = [own.numbers, own.weights, *(part for pair in own.patches for part in pair)]
    own.take(second)
    expected = [second.numbers, second.weights, *(part for pair in second.patches for part in pair)]
    assert len(tensors) == 6
    for tensor, value in zip(tensors, expected, strict=True):
        assert tensor is not None
        assert value is not None
        assert torch.equal(tensor, value)
    assert not torch.equal(first.numbers, second.numbers)


@pytest.mark.parametrize("changes", [{}, {"mixup": 0.4, "cutout": 5, "erase": 0.5, "crop": 2, "shift": 0}])
def test_announced_steps_train_to_the_same_bits(changes: dict[str, object]) -> None:
    engines = []
    for announced in (True, False):
        engine = TorchEngine(seeded("v1", 0), settings(**changes), 0, *pictures(60), "cpu")
        if announced:
            engine.expect(BATCHES, 1, 0)
        for at, batch in enumerate(BATCHES):
            engine.step(batch, 1e-3, 1, at)
        engines.append(engine)
    assert_same_tensors(engines[0].state(), engines[1].state())
    assert engines[0].take_totals() == engines[1].take_totals()
