"""The small JSON files of a run as typed records: what was requested and is trained, how it ended, how it is labelled.

People edit such files and later versions add keys, so a value that is missing or of another type has its default, and
unknown keys are ignored; nothing here raises because of what a file contains, unless it says so.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import MISSING, fields
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import msgspec

from fmnist_tui.errors import RunError
from fmnist_tui.files import read_json
from fmnist_tui.models.source import ModelSource
from fmnist_tui.runs.directory import RunDirectory, version_in
from fmnist_tui.text import safe
from fmnist_tui.training.events import Whole

if TYPE_CHECKING:  # a list of runs needs neither the models nor NumPy
    from fmnist_tui.models.spec import ModelSpec
    from fmnist_tui.training.config import TrainingConfig
    from fmnist_tui.training.metrics import Scores

Record = TypeVar("Record", bound=msgspec.Struct)

LONGEST_TEXT = 200
"""Characters of a text that are shown."""
_HUGE = 1e300
_Number = Annotated[float, msgspec.Meta(gt=-_HUGE, lt=_HUGE)]
"""A finite number."""
_HIGHEST = {"test_accuracy": 1.0, "test_nll": math.inf, "test_brier": 2.0, "test_ece": 1.0}
"""The largest possible value of each measure; none can be below 0."""
_ROUNDING = 1e-6
"""How far rounding may take a measure beyond its limits."""


@cache
def _fields(kind: type[msgspec.Struct]) -> tuple[msgspec.structs.FieldInfo, ...]:
    """Cached, since msgspec evaluates all annotations each time."""
    return msgspec.structs.fields(kind)


def lenient(record: object, kind: type[Record], longest: int = LONGEST_TEXT) -> Record:
    """A struct with the values of a JSON object that have the right type, and defaults for all others.

    Text is made safe to display: one printable line of at most `longest` characters. Paths (`folder`) stay as they are.

    Args:
        record: What was read from a file; anything but an object counts as empty.
        kind: The struct; each of its fields has a default.
        longest: Characters.
    """
    try:
        found = msgspec.convert(record, kind)
    except ValueError:  # something in it is missing or wrong
        return _lenient_by_field(record, kind, longest)
    return _displayable(found, longest)


def _displayable(record: Record, longest: int) -> Record:
    values = {name: getattr(record, name) for name in record.__struct_fields__ if name != "folder"}
    shown = {name: _shown(value, longest) for name, value in values.items()}
    changes = {name: value for name, value in shown.items() if value is not values[name]}
    return msgspec.structs.replace(record, **changes) if changes else record


def _shown(value: Any, longest: int) -> Any:
    if isinstance(value, str):
        return value if len(value) <= longest and value.isprintable() else safe(value[:longest])
    if isinstance(value, tuple):
        return tuple(safe(part[:longest]) if isinstance(part, str) else part for part in value)
    return _displayable(value, longest) if isinstance(value, msgspec.Struct) else value


def _lenient_by_field(record: object, kind: type[Record], longest: int) -> Record:
    values: dict[str, Any] = {}
    for item in _fields(kind):
        found = record.get(item.name, msgspec.UNSET) if isinstance(record, Mapping) else msgspec.UNSET
        if isinstance(item.type, type) and issubclass(item.type, msgspec.Struct):
            values[item.name] = lenient(found, item.type, longest)
            continue
        if found is msgspec.UNSET:
            continue
        try:
            value = msgspec.convert(found, item.type)
        except ValueError:  # another type, or text that isn't valid
            continue
        values[item.name] = value if item.name == "folder" else _shown(value, longest)
    return kind(**values)


_Side = Annotated[int, msgspec.Meta(ge=1, le=1 << 16)]


class DataInfo(msgspec.Struct, frozen=True, kw_only=True):
    """The data of a run, as run.json describes it.

    Attributes:
        name: The data set's name, or "".
        folder: The folder that was requested, "demo", or None for the usual locations.
        source: Where the images came from, or "".
        train_fingerprint: Of the training images, or "".
        test_fingerprint: Of the test images, or "".
        train_images: How many training images there are, before `limit` and the validation split.
        test_images: How many test images there are.
        shape: Channels, height and width of an image; None before 0.2.0, when all were Fashion-MNIST's.
        classes: The names of the classes; empty before 0.2.0.
    """

    name: str = ""
    folder: str | None = None
    source: str = ""
    train_fingerprint: str = ""
    test_fingerprint: str = ""
    train_images: Whole | None = None
    test_images: Whole | None = None
    shape: tuple[_Side, _Side, _Side] | None = None
    classes: Annotated[tuple[str, ...], msgspec.Meta(max_length=1000)] = ()


class _RunJson(msgspec.Struct, frozen=True, kw_only=True):
    """The keys that run.json and request.json have, apart from "data", which differs between them."""

    version: str = ""
    recipe: str = ""
    modified: bool | None = None
    hyperparameters: dict[str, Any] = {}
    model_options: dict[str, Any] = {}
    seed: Whole | None = None
    limit: Whole | None = None
    subset: str = "first"
    device: str = ""
    device_name: str = ""
    device_id: str = ""
    threads: Whole = 0
    cpus: Whole = 0
    host: str = ""
    window: Whole | None = None
    random_stream: Whole | None = None
    train_images: Whole | None = None


class Manifest(_RunJson, frozen=True, kw_only=True):
    """What is trained, and where: run.json, or the request while there is no run.json yet.

    Attributes:
        json: The file's content, for readers of keys that this program doesn't know; {} where it can't be read.
        is_settled: Whether it is run.json: device, threads and data are known.
        version: The model's name, not necessarily one that this program knows.
        recipe: The recipe's name, or "".
        modified: Whether a hyper-parameter differs from the recipe's; None where that isn't known.
        hyperparameters: As written; see `settings`.
        model_options: Settings of the model that differ from its own.
        seed: The seed.
        limit: How many training images were taken, None for all of them.
        subset: Which images a limit takes.
        device: What it is trained on ("cpu", "cuda:0"), or what was requested ("auto").
        device_name: The manufacturer's name of the device, or "".
        device_id: The GPU's key (see `host.gpu.Gpu`), or "".
        threads: CPU threads; 0 where that isn't known.
        cpus: CPUs that were available; 0 where that isn't known.
        host: The machine's name, or "".
        window: The log interval in steps.
        random_stream: Which version of the addressed random numbers it is trained with.
        train_images: Images that are trained on, without those for validation.
        data: The data.
        source: A custom model's code: its description alone, not whether it may be run; None for any other model.
        is_code_changed: Whether the user accepted other code than the run was requested with.
        can_resume_exactly: Whether the model passed the check at the run's start; only custom ones can fail it.
        versions: Versions of Python, this program and the libraries, by package; None where one wasn't installed.
    """

    json: dict[str, Any] = {}
    is_settled: bool = False
    data: DataInfo = DataInfo()
    source: ModelSource | None = None
    is_code_changed: bool = False
    can_resume_exactly: bool = True
    versions: dict[str, str | None] = {}

    @property
    def model(self) -> ModelSpec | None:
        """The model: this program's, or a custom one as the run describes it; None for any other."""
        from fmnist_tui.models.registry import find_model, is_free

        if self.source is None:
            return find_model(self.version)
        return self.source.spec(self.version) if is_free(self.version) else None

    @property
    def marked_recipe(self) -> str:
        """The recipe's name, with a "*" if a hyper-parameter differs."""
        return f"{self.recipe}{'*' if self.modified else ''}"

    @property
    def settings(self) -> dict[str, Any]:
        """The hyper-parameters, and those settings of the model that differ from its own: "model.dropout".

        Those that a run's version of this program didn't have yet are at their defaults.
        """
        from fmnist_tui.models.hyperparameters import upgraded

        of_model = {f"model.{name}": value for name, value in self.model_options.items()}
        return {**_defaults(), **upgraded(self.hyperparameters), **of_model}

    @property
    def options(self) -> tuple[tuple[str, Any], ...]:
        """`model_options` as `models.layers` takes them."""
        lists = {name: tuple(value) for name, value in self.model_options.items() if isinstance(value, list)}
        return tuple({**self.model_options, **lists}.items())

    @property
    def epochs(self) -> int | None:
        """How many epochs were requested."""
        return self._whole("epochs")

    @property
    def batch_size(self) -> int | None:
        """Images a step."""
        return self._whole("batch_size")

    @property
    def fingerprints(self) -> tuple[str, str] | None:
        """Of the training and the test images; None unless both are known."""
        data = self.data
        both = data.train_fingerprint, data.test_fingerprint
        return both if all(both) else None

    def number(self, name: str) -> float | None:
        """A hyper-parameter that is a finite number; None where it is missing or anything else."""
        value = self.settings.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < _HUGE:
            return None
        return float(value)

    def config(self) -> TrainingConfig:
        """The complete configuration.

        Raises:
            ConfigError: The file is missing or damaged.
        """
        from fmnist_tui.training.config import TrainingConfig

        return TrainingConfig.from_json(self.json)

    def _whole(self, name: str) -> int | None:
        value = self.hyperparameters.get(name)
        return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**53 else None


@cache
def _defaults() -> dict[str, Any]:
    """The hyper-parameters that have a default."""
    from fmnist_tui.models.hyperparameters import Hyperparameters

    return {item.name: item.default for item in fields(Hyperparameters) if item.default is not MISSING}


def read_manifest(run: RunDirectory) -> Manifest:
    """The run's manifest as it is on disk now."""
    settled = read_json(run.run_json)
    content = with_current_model(run, settled or read_json(run.request) or {})
    return manifest_of(run.run_id, content, is_settled=settled is not None)


def with_current_model(run: RunDirectory, content: dict[str, Any]) -> dict[str, Any]:
    """The content of run.json or request.json with the code that is used now, if the user has accepted other code."""
    if not isinstance(recorded := content.get("model"), dict):
        return content
    now = (read_json(run.model_json) or {}).get("model")
    if not isinstance(now, dict) or ModelSource.from_json(now) is None:
        return content
    if now["sha256"] == recorded.get("sha256"):  # it has only been moved
        return {**content, "model": {**recorded, **now}}
    return {**content, "model": {**recorded, **now, "changed": True}, "modified": True}


def manifest_of(run_id: str, content: dict[str, Any], *, is_settled: bool) -> Manifest:
    """The manifest of the run of that id, from the content of run.json or of request.json."""
    data = content.get("data")
    shared = msgspec.structs.asdict(lenient(content, _RunJson))
    shared["version"] = shared["version"] or version_in(run_id)
    versions, model = content.get("versions"), content.get("model")
    about = model if isinstance(model, dict) else {}
    known = versions if isinstance(versions, dict) else {}
    return Manifest(
        **shared,
        json=content,
        is_settled=is_settled,
        source=ModelSource.from_json(model),
        is_code_changed=about.get("changed") is True,
        can_resume_exactly=about.get("exact_resume") is not False,
        data=lenient({"folder": data} if isinstance(data, str) else data, DataInfo),
        versions={name: (safe(value) or None) if isinstance(value, str) else None for name, value in known.items()},
    )


def read_config(run: RunDirectory) -> TrainingConfig:
    """What the run was trained with.

    Raises:
        RunError: run.json is missing or damaged.
    """
    from fmnist_tui.training.config import ConfigError, TrainingConfig

    try:
        return TrainingConfig.from_json(with_current_model(run, read_json(run.run_json) or {}))
    except ConfigError:
        raise RunError(f"{run.run_json} is missing or damaged; retrain the model") from None


class _Moved(msgspec.Struct, frozen=True):
    """data.json: where the images of a run are now."""

    folder: str | None


def requested_folder(run: RunDirectory, request: Mapping[str, Any] | None = None) -> str | None:
    """Where the images of a run were found last: the folder, "demo", or None for the usual locations.

    Args:
        run: The run.
        request: The content of request.json, if the caller has read it.
    """
    if (moved := moved_data(run)) is not None and moved.folder != "":
        return moved.folder
    folder = (read_json(run.request) or {} if request is None else request).get("data")
    return folder if isinstance(folder, str) and folder else None


def moved_data(run: RunDirectory) -> _Moved | None:
    """Where the images of a run were moved to since it was requested; None where they weren't."""
    try:
        return msgspec.convert(read_json(run.data_json), _Moved)
    except ValueError:
        return None


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """How a run ended: result.json.

    Attributes:
        reason: "completed", "stopped" or "diverged"; "" where it isn't known.
        test_accuracy: As written, not necessarily possible; see `scores`. The same goes for the other measures.
        test_nll: Negative log-likelihood.
        test_brier: Brier score.
        test_ece: Expected calibration error.
        test_images: How many test images were scored.
        epochs: Whole epochs trained.
        steps: Steps taken.
        seconds: Seconds of training and validation.
        device: What the last trainer trained on.
        threads: The last trainer's CPU threads.
        exact: Whether all steps are bit for bit those that the first trainer would have taken.
        early_stopped: Whether it was completed before its last epoch, because validation accuracy no longer rose.
        json: The file's content.
    """

    reason: str = ""
    test_accuracy: _Number | None = None
    test_nll: _Number | None = None
    test_brier: _Number | None = None
    test_ece: _Number | None = None
    test_images: Whole | None = None
    epochs: Whole | None = None
    steps: Whole | None = None
    seconds: _Number | None = None
    device: str = ""
    threads: Whole | None = None
    exact: bool = True
    early_stopped: bool = False
    json: dict[str, Any] = {}

    @property
    def has_scores(self) -> bool:
        """Whether the file has a test accuracy, be it possible or not."""
        return self.json.get("test_accuracy") is not None

    @property
    def scores(self) -> Scores | None:
        """The four measures on the test set, or None where one of them is missing or impossible."""
        from fmnist_tui.training.metrics import Scores

        values = [(getattr(self, name), highest) for name, highest in _HIGHEST.items()]
        known = [value for value, highest in values if value is not None and -_ROUNDING <= value <= highest + _ROUNDING]
        return Scores(*known) if len(known) == len(values) else None


def read_result(run: RunDirectory) -> Result | None:
    """The run's result; None where there is none, or the file is damaged."""
    content = read_json(run.result)
    if content is None:
        return None
    known = {name: value for name, value in content.items() if name != "json"}
    return msgspec.structs.replace(lenient(known, Result), json=content)
