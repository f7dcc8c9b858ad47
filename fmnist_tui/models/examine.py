"""Trying out a user's model: imported, built, trained for a step and evaluated, with what it consists of."""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import nn

from fmnist_tui.models.layers import layers_of
from fmnist_tui.models.source import ModelSource, checksum, read_text, shortened
from fmnist_tui.models.spec import ImageShape
from fmnist_tui.models.user_code import Place, attribute, built, find, guarded, importing, is_own
from fmnist_tui.text import safe

_BATCH = 4
_FLOATS = (torch.float32, torch.float64)
_LONGEST = 300
_RESERVED = "optimizer."


def examine(
    text: str,
    folder: Path,
    image_shape: ImageShape,
    classes: int,
    began: Callable[[Place], object] = lambda _: None,
) -> ModelSource:
    """Import the code that a text names, build the network and try it out; what it is and consists of.

    Args:
        text: "FILE.py:NAME" or "package.module:NAME".
        folder: The user's working directory.
        image_shape: Channels, height and width of the images that it is tried on.
        classes: Their number of classes.
        began: Called before the code is run.

    Raises:
        SourceError: There is no such code, or it fails; the text has the file and the line.
    """
    place = find(text, folder)
    began(place)
    with importing(place.source) as modules:
        network = built(place, image_shape, classes)
        _try_out(place, network, image_shape, classes)
        factory = guarded(place, lambda: attribute(place))
        place.stage = "forward"
        layers = guarded(place, lambda: layers_of(network, image_shape))
        files = _files(place, modules)
    source = replace(_described(place.source, factory), image_shape=image_shape, classes=classes)
    source = replace(source, files=files, layers=shortened(layers))
    return replace(source, sha256=checksum(read_text(source)))


def _files(place: Place, before: dict[str, ModuleType]) -> tuple[str, ...]:
    """The file and the local modules that were imported since, relative to the folder."""
    new = [module for name, module in list(sys.modules.items()) if before.get(name) is not module]
    files = {str(module.__file__) for module in new if is_own(module, place.source)}
    found = {os.path.abspath(file) for file in files if file.endswith(".py")}  # noqa: PTH100
    others = sorted(found - {place.source.file})
    return tuple(os.path.relpath(file, place.source.folder) for file in [place.source.file, *others])


def _try_out(place: Place, network: nn.Module, image_shape: ImageShape, classes: int) -> None:
    """One step of training, and one of evaluation, on random images.

    Raises:
        SourceError: One of them fails, or the network can't be trained.
    """
    trainable = _trainable(place, network)
    before = {name: id(value) for name, value in network.named_parameters()}
    images = torch.randn(_BATCH, *image_shape, generator=torch.Generator().manual_seed(0))
    place.stage = "forward, training"
    line = _forward_line(network, place)
    network.train()
    logits = _checked(place, guarded(place, lambda: network(images)), classes, line)
    for name, value in network.named_parameters():
        if before.get(name) != id(value):
            made = "replaces" if name in before else "makes"
            advice = "make it in __init__, or use a lazy layer such as nn.LazyLinear"
            raise place.error(f"forward {made} parameter {name}, which wouldn't be trained; {advice}", line)
    place.stage = "backward"
    if not logits.requires_grad:
        raise place.error("forward returns logits that don't depend on the parameters", line)
    loss = nn.functional.cross_entropy(logits.float(), torch.arange(_BATCH) % classes)
    guarded(place, loss.backward)
    if all(value.grad is None for value in trainable):
        raise place.error("forward returns logits that don't depend on the parameters", line)
    place.stage = "forward, evaluation"
    network.eval()
    with torch.no_grad():
        _checked(place, guarded(place, lambda: network(images)), classes, line)


def _trainable(place: Place, network: nn.Module) -> list[nn.Parameter]:
    trainable = [value for value in network.parameters() if value.requires_grad]
    if not trainable:
        raise place.error(f"{place.source.name} has no parameters to train")
    for name, value in network.named_parameters():
        if value.requires_grad and value.dtype not in _FLOATS:
            raise place.error(f"parameter {name} is of type {value.dtype}; it must be float32 or float64")
    for name, _ in (*network.named_parameters(), *network.named_buffers()):
        if name.startswith(_RESERVED):
            raise place.error(f"{name}: rename {_RESERVED[:-1]}, which is the name of the optimiser in checkpoints")
    return trainable


def _checked(place: Place, logits: Any, classes: int, line: int | None) -> torch.Tensor:
    wanted = f"logits of shape ({_BATCH}, {classes}) for {_BATCH} images"
    if not isinstance(logits, torch.Tensor):
        raise place.error(f"forward returns an object of type {type(logits).__name__}, not {wanted}", line)
    if logits.shape != (_BATCH, classes):
        raise place.error(f"forward returns a tensor of shape {tuple(logits.shape)}, not {wanted}", line)
    if not logits.is_floating_point():
        raise place.error(f"forward returns {logits.dtype}, not floating-point {wanted}", line)
    if not logits.isfinite().all():
        raise place.error(f"forward returns values that are not finite ({place.stage.split(', ')[-1]})", line)
    return logits


def _forward_line(network: nn.Module, place: Place) -> int | None:
    """The line of the network's `forward`, if it is in the named file."""
    code = getattr(inspect.getattr_static(type(network), "forward"), "__code__", None)
    if code is None or os.path.abspath(code.co_filename) != place.source.file:  # noqa: PTH100
        return None
    return int(code.co_firstlineno)


def _described(source: ModelSource, factory: Any) -> ModelSource:
    """With a title, and the first paragraph of the docstring."""
    own = inspect.getdoc(factory) if getattr(factory, "__doc__", None) != nn.Module.__doc__ else ""
    paragraph = " ".join((own or "").partition("\n\n")[0].split())
    where = source.module or Path(source.file).name
    return replace(source, title=safe(f"{where}:{source.name}")[:60], description=safe(paragraph)[:_LONGEST])
