"""Parameter efficiency: the test accuracy and what it costs."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from fmnist_tui.analysis.paired import Difference
from fmnist_tui.analysis.probes.common import AnalysisError, Claim, Count, Number, Verdict, standard_error
from fmnist_tui.models.layers import Options, layer_table
from fmnist_tui.models.registry import find_model
from fmnist_tui.models.spec import FASHION_MNIST_CLASSES, FASHION_MNIST_SHAPE, ImageShape, ModelSpec
from fmnist_tui.text import grouped, percent, points, safe

_SMALLER = 8
_TOLERANCE = 0.005


class Efficiency(msgspec.Struct, frozen=True):
    """Accuracy and cost.

    Attributes:
        accuracy: On the test images, 0 to 1.
        parameters: The number of trained parameters.
        macs: Multiply-accumulate operations of one image's forward pass; saved as `multiply_adds`.
    """

    accuracy: Number
    parameters: Count
    macs: Count = msgspec.field(name="multiply_adds")

    @property
    def points_per_million_parameters(self) -> float:
        """Accuracy in percentage points per million parameters."""
        return 1e8 * self.accuracy / self.parameters

    @property
    def points_per_million_macs(self) -> float:
        """Accuracy in percentage points per million MACs."""
        return 1e8 * self.accuracy / self.macs

    def lines(self) -> list[str]:
        """Three lines for the terminal."""
        return [
            f"test accuracy {percent(self.accuracy)}",
            f"{grouped(self.parameters)} parameters ({self.points_per_million_parameters:.1f} points per million)",
            f"{grouped(self.macs)} MACs per image ({self.points_per_million_macs:.1f} points per million)",
        ]


def measure_efficiency(
    name: str,
    accuracy: float,
    model: ModelSpec | None = None,
    image_shape: ImageShape = FASHION_MNIST_SHAPE,
    classes: int = FASHION_MNIST_CLASSES,
    options: Options = (),
) -> Efficiency:
    """The efficiency of a model with a test accuracy (0 to 1).

    Args:
        name: The model's name.
        accuracy: What it reached.
        model: The model as its run describes it; None for the known model of that name.
        image_shape: Of the images.
        classes: Their number of classes.
        options: Settings of the model that differ from its own.

    Raises:
        AnalysisError: If the model is unknown, can't be built, or has no MACs to count.
    """
    known = model or find_model(name)
    try:
        table = layer_table(known, image_shape, classes, options) if known else None
    except (ImportError, ValueError, TypeError, RuntimeError) as error:
        raise AnalysisError(f"the layers of {name} can't be measured: {safe(error)}") from None
    if table is None or not (table.parameters and table.macs):
        raise AnalysisError(f"unknown model {name}: its parameters and MACs can't be counted")
    return Efficiency(accuracy, table.parameters, table.macs)


def efficiency_claim(
    known: Mapping[str, Efficiency], test_images: Mapping[str, int | None], dense: str, cnn: str
) -> Claim:
    """Whether the CNN is more accurate than the dense network with fewer parameters.

    Args:
        known: The measurements by model, of these two and of others that are only listed.
        test_images: The number of test images by model; None if unknown.
        dense: The dense network's name.
        cnn: The CNN's name.
    """
    verdict, measured = Verdict.NOT_MEASURED, ""
    if dense in known and cnn in known:
        verdict = Verdict.of(known[cnn].parameters < known[dense].parameters)
        if verdict is Verdict.SUPPORTED:
            error = standard_error((known[name].accuracy, test_images[name]) for name in (dense, cnn))
            verdict = Verdict.of_difference(known[cnn].accuracy - known[dense].accuracy, error)
    if known:
        measured = "; ".join(
            f"{name} {percent(one.accuracy)} with {grouped(one.parameters)} parameters, {one.macs / 1e6:.1f} M MACs"
            for name, one in known.items()
        )
    return Claim(
        "Parameter efficiency",
        "shared filters reach a higher accuracy with fewer parameters",
        verdict,
        measured,
        f"Test accuracy, parameters, and MACs per image. Supported if {cnn} is more accurate than {dense} with fewer "
        "parameters, by over two standard errors over the test images; inconclusive within them. "
        f"{cnn} needs more MACs for it, and the larger CNNs have many more of both",
    )


def small_network_claim(known: Mapping[str, Efficiency], step: Difference | None, small: str, large: str) -> Claim:
    """Whether the small network is as accurate as the large one.

    Args:
        known: The measurements by model.
        step: The small one's mean test accuracy minus the large one's; None if one of them has no run.
        small: The small network's name.
        large: The large one's.
    """
    verdict, measured = Verdict.NOT_MEASURED, ""
    if step is not None and small in known and large in known:
        fraction = known[small].parameters / known[large].parameters
        verdict = Verdict.INCONCLUSIVE
        if fraction >= 1 / _SMALLER or (step.interval and step.interval.high < -_TOLERANCE):
            verdict = Verdict.NOT_SUPPORTED
        elif step.interval and step.interval.low >= -_TOLERANCE:
            verdict = Verdict.SUPPORTED
        interval = f" (95% CI {points(step.interval.low)} to {points(step.interval.high)})" if step.interval else ""
        measured = f"{points(step.value)} points{interval} with {percent(fraction)} of {large}'s parameters"
    return Claim(
        f"An eighth of {large}'s parameters",
        f"{small} is as accurate as {large} with under an eighth of its parameters",
        verdict,
        measured,
        f"{small}'s mean test accuracy minus {large}'s. Our claim, not the original project's. Supported if the 95% CI "
        f"lies above {points(-_TOLERANCE)} points, not supported if it lies below",
    )
