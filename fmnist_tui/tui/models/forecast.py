"""What is known before a training starts: the networks, what earlier runs reached, how long it will take here."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial

from fmnist_tui.analysis.comparison import Comparison, compare
from fmnist_tui.analysis.eligibility import Fingerprints
from fmnist_tui.analysis.estimate import Estimate, estimate, matrix_peak
from fmnist_tui.data import Dataset
from fmnist_tui.data.location import DEMO
from fmnist_tui.doctor.devices import device_names
from fmnist_tui.host.machine import this_machine
from fmnist_tui.models.layer_table import LayerTable
from fmnist_tui.models.layers import Options, layer_table, saved_table
from fmnist_tui.models.registry import all_models
from fmnist_tui.models.spec import FASHION_MNIST_CLASSES, FASHION_MNIST_SHAPE, ImageShape, ModelSpec
from fmnist_tui.runs.queue.devices import needed_device
from fmnist_tui.runs.run import Run
from fmnist_tui.text import rough_duration, safe
from fmnist_tui.training.config import TrainingConfig
from fmnist_tui.training.recipes import MODEL, RECIPES, settle_for_fashion_mnist

_IMAGES = 60_000
"""Training images of Fashion-MNIST, assumed until the data is loaded."""
DEVICES = ("auto", "cpu", "cuda", "mps")
"""Devices to choose from."""
_N_TRAIN = 0.9
"""Fraction of the training images that isn't set aside for validation."""
_LONG_SECONDS = 600.0
_SLOW_PEAK = 3e10
"""MACs per second, assumed until this machine is timed where the question is whether to ask before a start."""


@dataclass(frozen=True)
class Known:
    """What the Models screen knows; empty until it is loaded.

    Attributes:
        image_shape: Of the data set's images: channels, height, width.
        classes: How many it has.
        tables: The layers of each model for such images, by its name.
        faults: Why the layers of a model aren't known, by its name.
        variants: The layers of models with settings of their own, or why they can't be built.
        other_data: The data set's fingerprints if it is neither Fashion-MNIST nor its stand-in, the demo set: then
            published figures and those of the reference runs don't apply.
        records: All runs.
        comparisons: One for each recipe, of the runs on this data set.
        peak: MACs per second of the CPUs, 0 until they are timed.
        devices: This machine's devices, "cpu" or "cuda:0", each with its title.
    """

    image_shape: ImageShape = FASHION_MNIST_SHAPE
    classes: int = FASHION_MNIST_CLASSES
    tables: Mapping[str, LayerTable] = field(default_factory=dict)
    faults: Mapping[str, str] = field(default_factory=dict)
    variants: Mapping[tuple[str, Options], LayerTable | str] = field(default_factory=dict)
    other_data: Fingerprints | None = None
    records: tuple[Run, ...] = ()
    comparisons: tuple[Comparison, ...] = ()
    peak: float = 0.0
    devices: tuple[tuple[str, str], ...] = ()

    @property
    def unmeasured(self) -> list[ModelSpec]:
        """The models whose layers aren't known, nor why not; custom models are measured when they are named."""
        known = {*self.tables, *self.faults}
        return [model for model in all_models() if model.name not in known and model.source is None]

    def of_images(self, image_shape: ImageShape, classes: int) -> Known:
        """The same for images of that shape, with those layers that need not be measured."""
        tables = {model.name: table for model in all_models() if (table := saved_table(model, image_shape, classes))}
        return replace(self, image_shape=image_shape, classes=classes, tables=tables, faults={}, variants={})

    def of_data(self, dataset: Dataset) -> Known:
        """The same for a data set; what its runs reached has to be loaded."""
        is_usual = dataset.is_fashion_mnist or dataset.name == DEMO
        other = None if is_usual else dataset.fingerprints
        found = self.of_images(dataset.shape, len(dataset.classes))
        return found if other == self.other_data else replace(found, other_data=other, comparisons=())

    def with_options(self, model: str, options: Options) -> Known:
        """The same for a model with these settings: its layers, or why it can't be built, once they are measured."""
        if not options:
            return self
        found = self.variants.get((model, options))
        others = {name: table for name, table in self.tables.items() if name != model}
        if isinstance(found, LayerTable):
            return replace(self, tables={**self.tables, model: found})
        return replace(self, tables=others, faults={**self.faults, model: found} if found else self.faults)


@dataclass(frozen=True)
class Forecast:
    """How long a start will take, and where.

    Attributes:
        seconds: Of all its runs, one after the other; None where that can't be known.
        measured: Whether it is based on runs of this machine.
        where: The devices with their titles: "cpu (2 CPUs, AMD EPYC)".
    """

    seconds: float | None
    measured: bool
    where: str

    @property
    def rounded(self) -> str:
        """For example "45 min"; "" where it can't be known."""
        return "" if self.seconds is None else rough_duration(self.seconds)

    @property
    def note(self) -> str:
        """What to know about that time."""
        if self.seconds is None:
            return f"On {self.where}; duration unknown until a run has finished there"
        return f"On {self.where}" if self.measured else f"On {self.where}; rough, not yet timed here"


def load_known(records: Sequence[Run], known: Known, publish: Callable[..., object]) -> None:
    """Compares the runs, and times the machine if that wasn't done before; called in a thread.

    Args:
        records: All runs, newest first.
        known: What is known already.
        publish: Called with fields of `Known` by their names.
    """
    data = known.other_data
    own = [one for one in records if one.fingerprints == data] if data else records
    find = partial(compare, own, data=data) if data else partial(compare, own)
    publish(records=tuple(records), comparisons=tuple(map(find, RECIPES)))
    if not known.peak:
        publish(peak=matrix_peak(), devices=tuple(device_names(this_machine()).items()))


def measure_networks(known: Known, publish: Callable[..., object]) -> None:
    """Measures the layers of the models for which they aren't known; imports PyTorch, and is called in a thread."""
    tables, faults = dict(known.tables), dict(known.faults)
    for model in known.unmeasured:
        try:
            tables[model.name] = layer_table(model, known.image_shape, known.classes)
        except Exception as error:  # noqa: BLE001 - shown on the model's page: its code may be anybody's
            faults[model.name] = f"The layers can't be measured: {type(error).__name__}: {safe(error)}"
    publish(tables=tables, faults=faults)


def measure_variant(model: ModelSpec, options: Options, known: Known) -> LayerTable | str:
    """The layers of a model with settings of its own, or why it can't be built; called in a thread, as above."""
    try:
        return layer_table(model, known.image_shape, known.classes, options)
    except Exception as error:  # noqa: BLE001 - shown on the model's page
        return first_sentence(error)


def first_sentence(error: Exception) -> str:
    """The error in a line: its text if it is one of a setting, else with its type."""
    return safe(error) if isinstance(error, ValueError) else f"{type(error).__name__}: {safe(error)}"


def options_of(config: TrainingConfig) -> Options:
    """The settings of the model itself, as `Known.variants` has them."""
    return tuple(config.model_options.items())


def forecast(configs: Sequence[TrainingConfig], known: Known, images: int | None) -> Forecast | None:
    """How long these trainings will take, and on which device; None until that is known.

    Args:
        configs: What will be trained, one after the other.
        known: What the forecast is based on.
        images: Number of training images, if the data is loaded.
    """
    if not known.peak or not configs:
        return None
    devices = {_device(config, known) for config in configs}
    titles = dict(known.devices)
    where = " and ".join(f"{device} ({titles[device]})" if device in titles else device for device in sorted(devices))
    found = [one for config in configs if (one := _estimate(config, known, images or _IMAGES))]
    if len(found) < len(configs):
        return Forecast(None, measured=False, where=where)
    return Forecast(sum(one.seconds for one in found), all(one.measured for one in found), where)


def is_long(configs: Sequence[TrainingConfig], known: Known, images: int | None) -> bool:
    """Whether these trainings take over ten minutes; until this machine is timed, whether they would on a slow one."""
    if not known.peak:
        if any(config.version not in known.tables for config in configs):
            return True
        known = replace(known, peak=_SLOW_PEAK)
    expected = forecast(configs, known, images)
    return expected is not None and expected.seconds is not None and expected.seconds > _LONG_SECONDS


def exclusion(configs: Sequence[TrainingConfig]) -> str:
    """Why such runs will be excluded: "Excluded from results (changed: epochs 3)"; "" if they will be eligible."""
    changed = next(filter(None, map(changes, configs)), None)
    if changed is None:
        return ""
    listed = ", ".join(f"{name.replace('_', ' ')} {_written(value)}" for name, value in changed.items())
    return f"Excluded from results (changed: {listed})"


def _written(value: object) -> str:
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


def changes(config: TrainingConfig) -> dict[str, object]:
    """Settings that differ from the recipe's for Fashion-MNIST, and the limit."""
    recipe = asdict(settle_for_fashion_mnist(config.model.recipe(config.recipe)))
    settings = asdict(settle_for_fashion_mnist(config.hyperparameters))
    changed = {name: value for name, value in settings.items() if value != recipe[name]}
    changed |= {f"{MODEL}{name}": value for name, value in config.model_options.items()}
    return changed if config.limit is None else {**changed, "limit": config.limit}


def _estimate(config: TrainingConfig, known: Known, images: int) -> Estimate | None:
    table = known.with_options(config.version, options_of(config)).tables.get(config.version)
    if table is None:
        return None
    n_train = round(_N_TRAIN * min(config.limit or images, images))
    device = _device(config, known)
    host, peak = socket.gethostname(), known.peak
    find = partial(
        estimate,
        config,
        n_train,
        runs=known.records,
        host=host,
        peak=peak,
        macs=table.macs,
        image_shape=known.image_shape,
    )
    found = find(device)
    if (
        found is None and config.device == "auto"
    ):  # PyTorch may not be able to use the GPU; then earlier runs used the CPU
        on_cpu = find("cpu")
        return on_cpu if on_cpu and on_cpu.measured else None
    return found


def _device(config: TrainingConfig, known: Known) -> str:
    """The device as run.json names it; the first GPU if any will do."""
    device = needed_device(config, has_gpus=any(name.startswith("cuda") for name, _ in known.devices))
    return "cuda:0" if device == "cuda" else device
