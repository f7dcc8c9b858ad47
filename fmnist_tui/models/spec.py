"""What a model is: how to build it, its recipes, and its description."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

from fmnist_tui.models.hyperparameters import SHARED_RECIPES, Hyperparameters, check_choice
from fmnist_tui.models.options import Option

if TYPE_CHECKING:
    from torch import nn

    from fmnist_tui.models.dense import DenseNetwork
    from fmnist_tui.models.source import ModelSource

    Network: TypeAlias = DenseNetwork | nn.Module

ImageShape: TypeAlias = tuple[int, int, int]
"""Channels, height and width of an image, in pixels."""
FASHION_MNIST_SHAPE: ImageShape = (1, 28, 28)
FASHION_MNIST_CLASSES = 10

REPORTED_NOTE = (
    "The original project scored v1-v3 on a random 9,000 of the 10,000 test images, and v0's loss is -log of the "
    "predicted class's score. Ours: all 10,000 official test images, once, at the end."
)
_FRAMEWORKS = {"numpy": "NumPy", "torch": "PyTorch"}
_OPTIMIZERS = {"numpy": ("sgd",), "torch": ("adamw", "sgd", "muon")}
_OUTPUTS = {"numpy": "sigmoid", "torch": "logits"}


@dataclass(frozen=True)
class Reported:
    """Figures that somebody else published for a model. See REPORTED_NOTE before comparing with the original project's.

    Attributes:
        accuracy: 0 to 1.
        loss: As their program computed it.
    """

    accuracy: float
    loss: float


@dataclass(frozen=True, eq=False)
class ModelSpec:
    """A model: a network that can be built for any images, how to train it, and what to say about it.

    Attributes:
        name: Lower-case letters and digits; run ids begin with it.
        title: A few words.
        build: Builds the untrained network for an image shape (channels, height, width) and a number of classes. For
            the engine "torch" an `nn.Module` from images (n, channels, height, width), float32, to logits (n, classes);
            for "numpy" a `DenseNetwork`. Slow libraries are imported inside, so that listing models stays fast.
            It also takes, by name, those of its `options` that differ from their defaults.
        engine: Which engine trains it.
        recipes: Hyper-parameters by recipe name; the names are "tuned", the default, and "origin".
        loss: The training loss, in words.
        what_changed: Against the model before it; may be empty, as may the next two.
        why_it_helps: In a few words.
        story: Two or three sentences for the Models screen.
        reported: Published figures, if there are any.
        options: Settings of the network itself, such as its number of layers.
        source: A custom model's code; None for models that are part of this program or were registered in this process.
    """

    name: str
    title: str
    build: Callable[..., Network]
    engine: Literal["torch", "numpy"] = "torch"
    recipes: Mapping[str, Hyperparameters] = field(default_factory=lambda: SHARED_RECIPES)
    loss: str = "cross-entropy of the softmax"
    what_changed: str = ""
    why_it_helps: str = ""
    story: str = ""
    reported: Reported | None = None
    options: tuple[Option, ...] = ()
    source: ModelSource | None = None

    def recipe(self, name: str) -> Hyperparameters:
        """The hyper-parameters of a recipe.

        Raises:
            ConfigError: There is no such recipe.
        """
        check_choice("recipe", name, self.recipes)
        return self.recipes[name]

    @property
    def framework(self) -> str:
        """The engine's framework: "NumPy" or "PyTorch"."""
        return _FRAMEWORKS[self.engine]

    @property
    def needs_torch(self) -> bool:
        """Whether PyTorch must be installed to train it; without it, it trains on the CPU only."""
        return self.engine == "torch"

    @property
    def optimizers(self) -> tuple[str, ...]:
        """The optimizers that its engine has."""
        return _OPTIMIZERS[self.engine]

    @property
    def output(self) -> str:
        """What its network returns: "sigmoid" (outputs, normalised to probabilities) or "logits"."""
        return _OUTPUTS[self.engine]
