from __future__ import annotations

import json
import math
from contextlib import suppress
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import fields

from fmnist_tui.training import events
from fmnist_tui.training.events import Event, Whole, decode, from_json, to_json

KINDS: tuple[type[Event], ...] = get_args(Event)
NAMES: dict[str, type[Event]] = {
    "queued": events.Queued,
    "run_started": events.RunStarted,
    "stage": events.Stage,
    "step": events.StepMetrics,
    "epoch": events.Epoch,
    "dynamics": events.Dynamics,
    "resources": events.Resources,
    "checkpoint_saved": events.CheckpointSaved,
    "alert": events.Alert,
    "sharing": events.Sharing,
    "paused": events.Paused,
    "continued": events.Continued,
    "stop_requested": events.StopRequested,
    "resumed": events.Resumed,
    "run_finished": events.RunFinished,
}
LAYERS = tuple[events.LayerDynamics, ...]
STEP = events.StepMetrics(step=8, epoch=1, loss=0.5, accuracy=0.75, learning_rate=0.01, images_per_second=1000.0)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def any_event(*, finite: bool = False) -> st.SearchStrategy[Event]:
    numbers = st.floats(width=32, allow_nan=not finite, allow_infinity=not finite)
    words = st.text(st.characters(exclude_categories=("C", "Z")), max_size=5)
    measure = st.none() | st.floats(width=32, allow_nan=False, allow_infinity=False)
    layers = st.lists(st.builds(events.LayerDynamics, words, measure, measure, measure), max_size=3).map(tuple)
    by_type: dict[Any, Any] = {
        str: words,
        Whole: st.integers(-(2**53) + 1, 2**53 - 1),
        float: numbers,
        bool: st.booleans(),
    }
    by_type[LAYERS] = layers
    by_type[float | None] = measure
    by_type[Whole | None] = st.none() | by_type[Whole]

    def built(kind: type[Event]) -> st.SearchStrategy[Event]:
        return st.builds(kind, **{item.name: by_type[item.type] for item in fields(kind)})

    return st.sampled_from(KINDS).flatmap(built)


def as_read_back(value: Any) -> Any:
    """What is not finite becomes NaN, here a word, since NaN equals nothing."""
    return "NaN" if isinstance(value, float) and not math.isfinite(value) else value


def facts(event: Event) -> dict[str, Any]:
    return {field.name: as_read_back(getattr(event, field.name)) for field in fields(event)}


def through_json(event: Event) -> Event | None:
    """Written as a line of strict JSON and read again, in both ways."""
    line = json.dumps(to_json(event), allow_nan=False)
    back = from_json(json.loads(line))
    assert back
    if "null" not in line:
        assert facts(decode(line.encode())) == facts(back)
    return back


def test_no_event_is_left_out_below() -> None:
    assert set(NAMES.values()) == set(KINDS)


@settings(deadline=None)
@given(any_event(finite=True))
def test_every_event_comes_back_from_json_as_it_was(event: Event) -> None:
    assert through_json(event) == event


@settings(deadline=None)
@given(any_event())
def test_every_event_is_strict_json_whatever_its_numbers_are(event: Event) -> None:
    back = through_json(event)
    assert type(back) is type(event)
    assert facts(back) == facts(event)


@settings(deadline=None)
@given(any_event(finite=True))
def test_each_event_is_an_object_of_its_name_and_its_fields(event: Event) -> None:
    record = to_json(event)
    assert NAMES[record.pop("event")] is type(event)
    assert list(record) == [field.name for field in fields(event)]


@settings(deadline=None)
@given(any_event(finite=True), st.dictionaries(st.text(min_size=12), JSON_VALUES, max_size=3))
def test_keys_of_the_log_and_of_later_versions_are_passed_over(event: Event, more: dict[str, Any]) -> None:
    assert from_json(more | to_json(event) | {"time": 1.5, "seq": 3}) == event


@pytest.mark.parametrize("loss", [1e17, 3e38])
def test_a_loss_that_is_still_finite_on_its_way_to_divergence_is_kept(loss: float) -> None:
    event = events.StepMetrics(8, 1, loss, 0.1, 0.01, 1000.0)
    assert through_json(event) == event


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_loss_that_is_not_finite_is_null_in_the_log_and_nan_when_read(value: float) -> None:
    record = to_json(events.StepMetrics(8, 1, value, 0.1, 0.01, 1000.0))
    assert record["loss"] is None
    back = from_json(record)
    assert isinstance(back, events.StepMetrics)
    assert math.isnan(back.loss)


@pytest.mark.parametrize("kind", KINDS)
def test_text_of_a_log_is_one_line_that_no_terminal_obeys(kind: type[Event]) -> None:
    hostile = "\x1b]0;title\x07a\r\nb\x9b31m\u202e\ud800"
    values: dict[Any, Any] = {Whole: 1, float: 0.5, bool: True, LAYERS: [{"name": hostile}]}
    values |= {Whole | None: 1, float | None: 0.5}
    record: dict[str, Any] = {item.name: values.get(item.type, hostile) for item in fields(kind)}
    record["event"] = events.name_in_log(kind)
    for event in (from_json(record), decode(json.dumps(record).replace("\\ud800", "").encode())):
        assert event is not None
        assert str(facts(event)).isprintable()
        assert "\\" not in str(facts(event))


def test_an_epoch_of_an_earlier_version_with_figures_of_its_layers_is_read() -> None:
    event = events.Epoch(1, 8, 0.5, 0.9, 0.4, 0.8, 0.4, 1.0, 0.1, is_best=True)
    old = {**to_json(event), "layers": {"layers.0": {"gradient": None, "weight": 1.5}}}
    assert from_json(old) == decode(json.dumps(old).encode()) == event


def test_what_another_version_names_otherwise_is_read() -> None:
    assert from_json({"event": "run_finished", "reason": "cancelled"}) is not None
    assert decode(b'{"event":"stop_requested","how":"at-noon"}') is not None


@settings(deadline=None)
@given(st.text().filter(lambda name: name not in NAMES))
def test_an_unknown_event_is_none(name: str) -> None:
    assert from_json({"event": name, "step": 3}) is None


@pytest.mark.parametrize("record", [{}, {"event": None}, {"event": 5}, {"event": ["step"]}, {"event": {}}])
def test_a_record_without_a_name_is_none(record: dict[str, Any]) -> None:
    assert from_json(record) is None


@pytest.mark.parametrize("key", ["step", "epoch", "loss", "accuracy", "learning_rate", "images_per_second"])
def test_an_event_that_lacks_a_key_is_none(key: str) -> None:
    record = to_json(STEP)
    del record[key]
    assert from_json(record) is None


def test_an_event_of_an_earlier_version_has_the_defaults_of_newer_keys() -> None:
    assert from_json({"event": "run_finished", "reason": "completed"}) == events.RunFinished("completed")


@settings(deadline=None)
@given(st.sampled_from(sorted(NAMES)), st.data())
def test_a_malformed_record_never_raises(name: str, data: st.DataObject) -> None:
    kind: type[Event] = NAMES[name]
    keys = [field.name for field in fields(kind)]
    record = data.draw(st.dictionaries(st.sampled_from(keys), JSON_VALUES))
    found = from_json({"event": name} | record)
    assert found is None or isinstance(found, NAMES[name])
    with suppress(ValueError):
        assert decode(json.dumps({"event": name} | record).encode()) == found


@pytest.mark.parametrize("text", ["1e999", "Infinity", "-Infinity", "NaN"])
def test_no_infinity_comes_out_of_a_log_that_was_edited(text: str) -> None:
    """Python's reader of JSON takes all of these; a chart can leave out NaN but not infinity."""
    found = from_json(json.loads(json.dumps(to_json(STEP)).replace("0.5", text)))
    assert found is None or (isinstance(found, events.StepMetrics) and math.isnan(found.loss))


@pytest.mark.parametrize(
    ("name", "key", "value"),
    [
        ("step", "step", None),
        ("step", "step", "8"),
        ("step", "loss", "high"),
        ("step", "loss", [0.5]),
        ("run_started", "total_steps", None),
        ("stage", "name", None),
        ("stage", "name", 5),
        ("alert", "message", ["a", "b"]),
        ("epoch", "is_best", "yes"),
        ("step", "step", 2**53),
        ("step", "step", 10**400),
        ("step", "step", True),
        ("step", "loss", 10**400),
        ("stop_requested", "how", 1),
        ("run_finished", "message", {}),
    ],
)
def test_a_value_of_another_type_makes_the_record_unknown(name: str, key: str, value: object) -> None:
    """Whoever reads an event trusts its types: int(nan) or markup of a list would end a screen."""
    examples: dict[str, Event] = {
        "step": STEP,
        "run_started": events.RunStarted("v1", 20, 10, 2, 5, 1),
        "stage": events.Stage("validating"),
        "alert": events.Alert("non_finite", "the loss became nan"),
        "epoch": events.Epoch(1, 8, 0.5, 0.9, 0.4, 0.8, 0.4, 1.0, 0.1, is_best=True),
        "stop_requested": events.StopRequested("now"),
        "run_finished": events.RunFinished("stopped"),
    }
    record = to_json(examples[name])
    assert from_json(record) == examples[name]
    assert from_json(record | {key: value}) is None
    with pytest.raises(msgspec.ValidationError):
        decode(json.dumps(record | {key: value}).encode())
