"""The four versions and their story; what they are called, what changed, and what the origin project reported."""

from __future__ import annotations

from dataclasses import dataclass

from fmnist_tui.models.layers import Layer, cnn_layers, dense_layers


class UnknownVersionError(ValueError):
    """There is no such version; the text lists those there are."""


@dataclass(frozen=True)
class Reported:
    """What the origin project's README reports. Not comparable as it stands: see ORIGIN_NOTE.

    Attributes:
        accuracy: 0 to 1.
        loss: In whatever terms its script took.
    """

    accuracy: float
    loss: float


@dataclass(frozen=True)
class Version:
    """One version of the network.

    Attributes:
        name: "v0" to "v3".
        title: A few words.
        framework: "NumPy" or "PyTorch".
        what_changed: Against the version before.
        why_it_helped: In the origin's words, roughly.
        story: Two or three sentences for the Models screen.
        loss: What its training follows.
        layers: From the image to the ten outputs.
        reported: The origin's figures.
    """

    name: str
    title: str
    framework: str
    what_changed: str
    why_it_helped: str
    story: str
    loss: str
    layers: tuple[Layer, ...]
    reported: Reported

    @property
    def parameters(self) -> int:
        """Trained parameters."""
        return sum(layer.parameters for layer in self.layers)

    @property
    def multiply_adds(self) -> int:
        """Multiply-adds of one image's forward pass."""
        return sum(layer.multiply_adds for layer in self.layers)

    @property
    def training_multiply_adds(self) -> int:
        """Multiply-adds of one image's forward and backward pass.

        The backward pass takes as many as the forward pass for the weights' slopes and as many again for the slopes of
        each layer's inputs, which the first layer doesn't need: pixels don't learn.
        """
        first = next(layer.multiply_adds for layer in self.layers if layer.multiply_adds)
        return 3 * self.multiply_adds - first


ORIGIN_NOTE = (
    "The origin scored v1-v3 on a random 9 000 of the 10 000 test images, and v0's loss is -log of the predicted "
    "class's score. Ours: all 10 000 official test images, once, at the end."
)

_CROSS_ENTROPY = "cross-entropy of the softmax"

VERSIONS: tuple[Version, ...] = (
    Version(
        name="v0",
        title="Dense network by hand",
        framework="NumPy",
        what_changed="baseline, NumPy",
        why_it_helped="-",
        story=(
            "Every pixel is joined to every one of 300 units, then 100, then ten sigmoid outputs. Forward pass, "
            "backward pass and gradient descent are written out in NumPy: nothing is hidden in a framework. It "
            "doesn't know that two pixels are neighbours."
        ),
        loss="binary cross-entropy, summed over the ten outputs",
        layers=dense_layers(),
        reported=Reported(0.8748, 0.2177),
    ),
    Version(
        name="v1",
        title="Convolutions",
        framework="PyTorch",
        what_changed="Conv2D + BatchNorm + MaxPool",
        why_it_helped="spatial features that dense layers miss",
        story=(
            "Two blocks of 3x3 filters look at small neighbourhoods, the same filters everywhere; pooling makes the "
            "answer less dependent on where exactly a thing is. One linear layer reads the 4 608 features. Half of "
            "v0's parameters."
        ),
        loss=_CROSS_ENTROPY,
        layers=cnn_layers("v1"),
        reported=Reported(0.9173, 0.2783),
    ),
    Version(
        name="v2",
        title="Deep head",
        framework="PyTorch",
        what_changed="two hidden FC layers (1024) + LayerNorm",
        why_it_helped="the deeper head learns more complex decision boundaries",
        story=(
            "Between the features and the outputs stand two hidden layers of 1 024 units with layer normalisation. "
            "Nearly fifty times v1's parameters, which is also a lot of room to learn the training images by heart."
        ),
        loss=_CROSS_ENTROPY,
        layers=cnn_layers("v2"),
        reported=Reported(0.9254, 0.2860),
    ),
    Version(
        name="v3",
        title="Regularised",
        framework="PyTorch",
        what_changed="Dropout(0.1) after every block and hidden layer",
        why_it_helped="prevents overfitting",
        story=(
            "v2 with dropout: in training a tenth of the features is silenced at random, so that no unit can rely on "
            "a single other one. The origin's table speaks of the FC layers and of all layers; its code, and ours, "
            "drops out after the convolution blocks too."
        ),
        loss=_CROSS_ENTROPY,
        layers=cnn_layers("v3"),
        reported=Reported(0.9319, 0.2689),
    ),
)

VERSION_NAMES = tuple(version.name for version in VERSIONS)


def version(name: str) -> Version:
    """The version called `name`.

    Raises:
        UnknownVersionError: There is none.
    """
    found = find_version(name)
    if found is None:
        raise UnknownVersionError(f"there is no version {name!r}; choose from {', '.join(VERSION_NAMES)}")
    return found


def find_version(name: str) -> Version | None:
    """The version called `name`, if there is one."""
    return next((known for known in VERSIONS if known.name == name), None)
