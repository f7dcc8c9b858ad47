"""Answers to requests for a look inside a network: of the NumPy engine's without PyTorch, of any other with it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fmnist_tui.errors import RunError
from fmnist_tui.inspection.dense_units import evidence_of, input_gradient, units_of
from fmnist_tui.inspection.occlusion import occlude, sweep_for
from fmnist_tui.inspection.requests import (
    Answer,
    ClassEvidence,
    ClassMaps,
    Inspect,
    LayerImages,
    OcclusionRow,
    Packed,
    UnitImages,
    Views,
)
from fmnist_tui.runs.scored_model import Predictor
from fmnist_tui.training.numpy_engine import NumpyEngine


def inspect(request: Inspect, network: Predictor) -> Iterator[Answer]:
    """The answers to the request.

    Raises:
        RunError: The network has no such view.
    """
    if request.view == "occlusion":
        return _occlusion(request, network)
    if isinstance(network, NumpyEngine):
        return _dense(request, network)
    return _module(request, network)


def _occlusion(request: Inspect, network: Predictor) -> Iterator[Answer]:
    image = request.image.array()
    sweep = sweep_for(*image.shape[1:])
    for row, drops in enumerate(occlude(network.predict, image, request.labels, sweep, request.fill)):
        yield OcclusionRow(number=request.number, row=row, drops=Packed.of(drops))


def _dense(request: Inspect, engine: NumpyEngine) -> Iterator[Answer]:
    network, image = engine.scored_network, request.image.array()
    (inputs,) = engine.inputs_of(image[None])
    if request.view == "units":
        if len(network.sizes) == 2:
            raise RunError("this network has no hidden units: its pixels are connected to the outputs")
        samples = engine.inputs_of(request.samples.array()) if request.samples else None
        found = units_of(network, inputs, request.labels[0], image.shape, samples)
        arrays = {name: Packed.of(getattr(found, name)) for name in ("units", "weights", "activations", "dead")}
        yield UnitImages(
            number=request.number,
            contributions=Packed.of(found.contributions),
            remainder=found.remainder,
            logit=found.logit,
            label=request.labels[0],
            **arrays,
        )
    elif request.view == "evidence":
        evidence = evidence_of(network, inputs)
        yield ClassEvidence(
            number=request.number,
            contributions=Packed.of(evidence.contributions),
            bias=Packed.of(evidence.bias),
            logits=Packed.of(evidence.logits),
            layer=len(network.sizes) - 2,
        )
    elif request.view == "saliency":
        gradients = [input_gradient(network, inputs, label).reshape(image.shape) for label in request.labels]
        yield ClassMaps(number=request.number, values=Packed.of(np.stack(gradients)))
    else:
        raise RunError(f"a dense network has no {request.view.replace('_', '-')}: it has no convolutions")


def _module(request: Inspect, engine: Any) -> Iterator[Answer]:
    from fmnist_tui.inspection import maps

    network, number, image = engine.scored_network, request.number, engine.inputs_of(request.image.array()[None])
    samples = engine.inputs_of(request.samples.array()) if request.samples else None
    yield Views(number=number, views=maps.views_of(network, image))
    if request.view == "filters":
        filters = maps.first_filters(network, image if samples is None else samples)
        yield _images(number, filters.layer, filters.kind, filters.weights, filters.dead)
    elif request.view == "maps":
        for one in maps.feature_maps(network, image, samples):
            yield _images(number, one.layer, one.kind, one.maps[:, None], one.dead)
    elif request.view == "saliency":
        gradients = np.stack([maps.saliency(network, image, label) for label in request.labels])
        yield ClassMaps(number=number, values=Packed.of(gradients))
    elif request.view == "grad_cam":
        layer, values = maps.grad_cam(network, image, request.labels)
        yield ClassMaps(number=number, layer=layer, values=Packed.of(values[:, None]))
    else:
        raise RunError(f"only a dense network in NumPy has {request.view} to show")


def _images(number: int, layer: str, kind: str, values: NDArray[Any], dead: NDArray[Any]) -> LayerImages:
    return LayerImages(number=number, layer=layer, kind=kind, values=Packed.of(values), dead=Packed.of(dead))
