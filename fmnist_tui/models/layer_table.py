"""The layers of a network as a table, with their parameters and MACs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Layer:
    """One row of a layer table.

    Attributes:
        name: The module's name, with which its weights' names begin.
        kind: "Conv 3x3", "BatchNorm", "LayerNorm", "MaxPool 2", "Linear", "ReLU", "Dropout 0.1", "Flatten"; of other
            modules their class.
        output_shape: For one image, channels first.
        parameters: Trained ones.
        macs: Multiply-accumulate operations for one image, of convolutions and linear layers alone.
    """

    name: str
    kind: str
    output_shape: tuple[int, ...]
    parameters: int = 0
    macs: int = 0


@dataclass(frozen=True)
class LayerTable:
    """A network's layers, in the order in which an image passes them."""

    layers: tuple[Layer, ...]

    @property
    def parameters(self) -> int:
        """Trained parameters."""
        return sum(layer.parameters for layer in self.layers)

    @property
    def macs(self) -> int:
        """MACs of one image's forward pass."""
        return sum(layer.macs for layer in self.layers)

    @property
    def training_macs(self) -> int:
        """MACs of one image's forward and backward pass.

        The backward pass takes as many as the forward pass for the gradients of the weights and as many again for
        those of each layer's inputs, which the first layer doesn't need.
        """
        return 3 * self.macs - next((layer.macs for layer in self.layers if layer.macs), 0)
