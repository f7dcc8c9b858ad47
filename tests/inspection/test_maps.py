"""Maps of PyTorch modules: cases worked out by hand, and captum's answers for the built-in CNNs."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from fmnist_tui.inspection.maps import NoMapError, feature_maps, first_filters, grad_cam, saliency, views_of
from fmnist_tui.inspection.occlusion import Sweep, occlude, spread
from fmnist_tui.models.registry import get_model


def by_hand() -> nn.Sequential:
    """A 1x1 convolution of two filters, 2 and -1; the mean of each; logits: their sum, and twice the first."""
    network = nn.Sequential(nn.Conv2d(1, 2, 1), nn.ReLU(inplace=True), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(2, 2))
    weights = {"0.weight": torch.tensor([2.0, -1.0]).view(2, 1, 1, 1), "0.bias": torch.zeros(2)}
    weights |= {"4.weight": torch.tensor([[1.0, 1.0], [2.0, 0.0]]), "4.bias": torch.zeros(2)}
    network.load_state_dict(weights)
    return network


IMAGE = torch.tensor([[[[1.0, -2.0], [3.0, 0.5]]]])


def cnn(name: str = "v3") -> nn.Module:
    torch.manual_seed(0)
    network = get_model(name).build((1, 28, 28), 10)
    assert isinstance(network, nn.Module)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):  # running figures other than the initial ones
            module.running_mean.uniform_(0, 1)  # type: ignore[union-attr]
            module.running_var.uniform_(0.5, 2)  # type: ignore[union-attr]
    return network.eval()


@pytest.fixture(scope="module")
def image() -> Tensor:
    return torch.rand((1, 1, 28, 28), generator=torch.Generator().manual_seed(1))


def test_the_first_filters_are_the_first_layers_weights() -> None:
    filters = first_filters(by_hand(), IMAGE)
    assert (filters.layer, filters.kind) == ("0", "Conv2d")
    assert filters.weights.tolist() == [[[[2.0]]], [[[-1.0]]]]
    linear = nn.Sequential(nn.Flatten(), nn.Linear(4, 3))
    assert first_filters(linear, IMAGE).weights.shape == (3, 1, 2, 2)


def test_feature_maps_are_what_the_layers_return_even_if_the_next_one_works_in_place() -> None:
    maps = feature_maps(by_hand(), IMAGE)
    assert [(one.layer, one.kind, one.maps.shape) for one in maps] == [
        ("0", "Conv2d", (2, 2, 2)),
        ("1", "ReLU", (2, 2, 2)),
        ("2", "AvgPool2d", (2, 1, 1)),
    ]
    assert maps[0].maps.tolist() == [[[2, -4], [6, 1]], [[-1, 2], [-3, -0.5]]]
    assert maps[1].maps[1].tolist() == [[0, 2], [0, 0]]
    assert maps[2].maps.ravel().tolist() == [9 / 4, 2 / 4]


def test_a_channel_that_never_changes_is_dead() -> None:
    samples = torch.tensor([[[[1.0, 2.0], [0.0, 1.0]]], [[[3.0, 1.0], [0.5, 0.0]]]])
    positive = samples[:1]
    maps = feature_maps(by_hand(), positive, samples)
    assert maps[0].dead.tolist() == [False, True]  # as in the heat map of the training dynamics
    assert maps[1].dead.tolist() == [False, True]
    assert first_filters(by_hand(), samples).dead.tolist() == [False, True]


def test_saliency_and_grad_cam_by_hand() -> None:
    # d(logit 0)/d(pixel) is 2/4 where the pixel is positive, and -1/4 where it is negative.
    assert saliency(by_hand(), IMAGE, 0).tolist() == [[[0.5, -0.25], [0.5, 0.5]]]
    assert saliency(by_hand(), IMAGE, 1).tolist() == [[[1, 0], [1, 1]]]
    # Of logit 1 the derivative with respect to the first channel is 2/4 where that is positive, else 0: 3/8 on average.
    name, maps = grad_cam(by_hand(), IMAGE, [0, 1])
    assert name == "0"
    first = 3 / 16 * np.array([[2, -4], [6, 1]]) + 1 / 16 * np.array([[-1, 2], [-3, -0.5]])
    assert maps[0].tolist() == np.maximum(first, 0).tolist()
    assert maps[1].tolist() == np.maximum(3 / 8 * np.array([[2, -4], [6, 1]]), 0).tolist()


def test_a_network_that_changes_its_input_in_place_has_the_same_maps() -> None:
    class InPlace(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = by_hand()

        def forward(self, x: Tensor) -> Tensor:
            x -= 1
            logits: Tensor = self.network(x)
            return logits

    image = IMAGE + 1
    for label in (0, 1):
        assert saliency(InPlace(), image, label).tolist() == saliency(by_hand(), IMAGE, label).tolist()
    for one, other in zip(feature_maps(InPlace(), image), feature_maps(by_hand(), IMAGE), strict=True):
        assert one.maps.tolist() == other.maps.tolist()
    assert grad_cam(InPlace(), image, [0, 1])[1].tolist() == grad_cam(by_hand(), IMAGE, [0, 1])[1].tolist()
    assert torch.equal(image, IMAGE + 1)


@pytest.mark.parametrize("name", ["v1", "v3"])
def test_saliency_and_grad_cam_are_captums(name: str, image: Tensor) -> None:
    import captum.attr

    network = cnn(name)
    for label in (0, 7):
        gradient = captum.attr.Saliency(network).attribute(image.clone().requires_grad_(), label, abs=False)
        np.testing.assert_allclose(saliency(network, image, label), gradient[0].detach(), atol=1e-6)
        cam = captum.attr.LayerGradCam(network, network.conv2).attribute(image, label, relu_attributions=True)
        layer, maps = grad_cam(network, image, [label])
        assert layer == "conv2"
        np.testing.assert_allclose(maps[0], cam[0, 0].detach(), atol=1e-6)


def test_an_occlusion_map_is_captums(image: Tensor) -> None:
    import captum.attr

    network, sweep = cnn("v1"), Sweep(28, 28, patch=4, stride=4)
    pixels = (image[0] * 255).round().to(torch.uint8).numpy()

    def probabilities(inputs: Tensor) -> Tensor:
        with torch.no_grad():
            return network(inputs / 255).softmax(1)  # type: ignore[no-any-return]

    theirs = captum.attr.Occlusion(probabilities).attribute(
        torch.from_numpy(pixels[None]).float(), (1, 4, 4), (1, 4, 4), baselines=0, target=3
    )
    rows = occlude(lambda images: probabilities(torch.from_numpy(images).float()).numpy(), pixels, [3], sweep)
    np.testing.assert_allclose(spread(np.stack([row[0] for row in rows]), sweep), theirs[0, 0], atol=1e-6)


def test_feature_maps_are_captums(image: Tensor) -> None:
    import captum.attr

    network = cnn("v3")
    maps = {one.layer: one.maps for one in feature_maps(network, image)}
    assert list(maps) == ["conv1", "norm1", "conv2", "norm2"]  # dropout returns what it is given
    for name, ours in maps.items():
        theirs = captum.attr.LayerActivation(network, getattr(network, name)).attribute(image)
        np.testing.assert_allclose(ours, theirs[0].detach(), atol=1e-6)


def test_nothing_of_the_module_changes(image: Tensor) -> None:
    network = cnn("v1")
    before = {name: value.clone() for name, value in network.state_dict().items()}
    first_filters(network, image)
    feature_maps(network, image)
    saliency(network, image, 0)
    grad_cam(network, image, [0])
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert all(value.grad is None for value in network.parameters())
    assert not any(module._forward_hooks for module in network.modules())


class Branches(nn.Module):
    """Uses one layer twice, returns a tuple from another, and counts its logits from both."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 3, padding=1)
        self.lstm = nn.LSTM(8, 4, batch_first=True)
        self.output = nn.Linear(4, 2)

    def forward(self, images: Tensor) -> Tensor:
        twice = self.conv(self.conv(images)).mean(1)
        return self.output(self.lstm(twice)[0][:, -1])  # type: ignore[no-any-return]


def test_layers_that_are_used_twice_or_return_no_maps() -> None:
    image = torch.rand(1, 3, 8, 8)
    network = Branches()
    assert [one.layer for one in feature_maps(network, image)] == ["conv", "conv (2)"]
    assert grad_cam(network, image, [1])[0] == "conv (2)"
    assert saliency(network, image, 0).shape == (3, 8, 8)


class TwoInputs(nn.Module):
    def forward(self, one: Tensor, other: Tensor) -> Tensor:
        return one + other


class TwoOutputs(nn.Module):
    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        return images, images


class Thresholded(nn.Module):
    def forward(self, images: Tensor) -> Tensor:
        return (images.flatten(1)[:, :2] > 0).float()


def test_what_has_no_map_says_why() -> None:
    dense = nn.Sequential(nn.Flatten(), nn.Linear(4, 2))
    with pytest.raises(NoMapError, match="Grad-CAM needs a convolution"):
        grad_cam(dense, IMAGE, [0])
    with pytest.raises(NoMapError, match="No layer of this model returns maps"):
        feature_maps(dense, IMAGE)
    assert saliency(dense, IMAGE, 0).shape == (1, 2, 2)
    assert views_of(dense, IMAGE) == ["filters", "saliency"]
    assert views_of(Thresholded(), IMAGE) == ["saliency"]
    assert views_of(by_hand(), IMAGE) == ["filters", "maps", "saliency", "grad_cam"]
    with pytest.raises(NoMapError, match="isn't a convolution"):
        first_filters(nn.Sequential(nn.Flatten(), nn.LayerNorm(4)), IMAGE)
    with pytest.raises(NoMapError, match="images alone"):
        saliency(TwoInputs(), IMAGE, 0)
    with pytest.raises(NoMapError, match="returns a tuple instead of logits"):
        saliency(TwoOutputs(), IMAGE, 0)
    with pytest.raises(NoMapError, match="No gradient reaches the image"):
        saliency(Thresholded(), IMAGE, 0)
    with pytest.raises(NoMapError, match="No layer of this model has weights"):
        first_filters(Thresholded(), IMAGE)
