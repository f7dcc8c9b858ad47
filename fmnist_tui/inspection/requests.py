"""What the app asks of the process that holds the networks, what that answers, and how both travel on pipes.

A frame is the length of a message in four bytes, the highest first, and the message in MessagePack. A further kind of
request is a struct here, in `AnyRequest`, and a handler in `worker.HANDLERS`; its answers are structs in `AnyAnswer`.
"""

from __future__ import annotations

from typing import Any, BinaryIO, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

_LENGTH = 4
"""Bytes of a frame's length."""
_LARGEST = 1 << 28
"""Bytes of a message; a larger length means that something else has written to the pipe."""


class Packed(msgspec.Struct, frozen=True):
    """An array of numbers."""

    shape: tuple[int, ...]
    dtype: str
    data: bytes

    @classmethod
    def of(cls, array: NDArray[Any]) -> Packed:
        """A copy of the array."""
        return cls(array.shape, array.dtype.str, array.tobytes())

    def array(self) -> NDArray[Any]:
        """The array, read-only."""
        return np.frombuffer(self.data, np.dtype(self.dtype)).reshape(self.shape)


class Request(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A question about one run's network; a newer one of the same kind about the same run replaces it.

    Attributes:
        run: The run's folder, absolute.
        number: Set by the client; it grows from request to request.
    """

    run: str
    number: int = 0

    @property
    def key(self) -> tuple[str, str]:
        """What a newer request must have in common with this one to replace it."""
        return type(self).__name__, self.run


class Predict(Request, frozen=True, kw_only=True):
    """The probabilities of the classes for an image, uint8 (C, H, W); answered by `Probabilities`."""

    image: Packed


class Inspect(Request, frozen=True, kw_only=True):
    """A look inside the network; one view at a time, a newer request ends an older one.

    Attributes:
        view: "units" (of a dense network: `UnitImages`), "evidence" (of one: `ClassEvidence`), "filters" (one
            `LayerImages`), "maps" (a `LayerImages` for each layer), "saliency" or "grad_cam" (`ClassMaps`), or
            "occlusion" (an `OcclusionRow` for each row of patches).
        image: uint8 (C, H, W).
        labels: The classes whose maps are wanted.
        samples: uint8 (n, C, H, W), images that decide which units are dead.
        fill: The value of covered pixels.
    """

    view: str
    image: Packed
    labels: list[int] = []
    samples: Packed | None = None
    fill: int = 0


class Answer(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """An answer to the request of this number; a request may have several."""

    number: int


class Probabilities(Answer, frozen=True, kw_only=True):
    """The probability of each class; their sum is 1.

    Attributes:
        values: One per class.
        seconds: How long the network took, without loading it.
    """

    values: list[float]
    seconds: float


class UnitImages(Answer, frozen=True, kw_only=True):
    """The first hidden layer's units, as in `dense_units.Units`, for the first of the labels, which is `label`."""

    units: Packed
    weights: Packed
    activations: Packed
    contributions: Packed
    dead: Packed
    remainder: float
    logit: float
    label: int | None = None


class ClassEvidence(Answer, frozen=True, kw_only=True):
    """The evidence for each class, as in `dense_units.Evidence`.

    Attributes:
        layer: The number of the last hidden layer, from 1; 0 where the pixels vote themselves.
    """

    contributions: Packed
    bias: Packed
    logits: Packed
    layer: int = 0


class LayerImages(Answer, frozen=True, kw_only=True):
    """Filters, float32 (k, C, height, width), or what a layer returns for the image, (k, 1, height, width).

    Attributes:
        layer: Its name.
        kind: The class of its module.
        values: The numbers.
        dead: (k,) bool.
    """

    layer: str
    kind: str
    values: Packed
    dead: Packed


class ClassMaps(Answer, frozen=True, kw_only=True):
    """A map for each of the labels, float32 (labels, C, height, width); Grad-CAM's have one channel.

    Attributes:
        layer: The convolution that they are of, or "".
        values: The numbers.
    """

    layer: str = ""
    values: Packed


class Views(Answer, frozen=True, kw_only=True):
    """Which views the network of a PyTorch run has; the first answer to a request for any of them but occlusion."""

    views: list[str]


class OcclusionRow(Answer, frozen=True, kw_only=True):
    """How much the probability of each label falls at each position of a row of patches, (labels, positions)."""

    row: int
    drops: Packed


class Failed(Answer, frozen=True, kw_only=True):
    """Why there is no answer, in one line."""

    reason: str


class Done(Answer, frozen=True, kw_only=True):
    """There are no further answers to the request."""


AnyRequest: TypeAlias = Predict | Inspect
AnyAnswer: TypeAlias = (
    Probabilities | UnitImages | ClassEvidence | LayerImages | ClassMaps | Views | OcclusionRow | Failed | Done
)

encode = msgspec.msgpack.Encoder().encode
_requests = msgspec.msgpack.Decoder(AnyRequest)
_answers = msgspec.msgpack.Decoder(AnyAnswer)


def write_message(pipe: BinaryIO, message: Request | Answer) -> None:
    """Write one frame to an unbuffered pipe.

    Raises:
        OSError: The other process is gone.
    """
    content = encode(message)
    frame = memoryview(len(content).to_bytes(_LENGTH, "big") + content)
    while frame:
        frame = frame[pipe.write(frame) :]


def read_request(pipe: BinaryIO) -> AnyRequest | None:
    """The next request, or None once the app has closed the pipe or has sent something else."""
    content = _read_frame(pipe)
    return None if content is None else _requests.decode(content)


def read_answer(pipe: BinaryIO) -> AnyAnswer | None:
    """The next answer, or None once the process has ended or has sent something else."""
    content = _read_frame(pipe)
    try:
        return None if content is None else _answers.decode(content)
    except msgspec.MsgspecError:
        return None


def _read_frame(pipe: BinaryIO) -> bytes | None:
    header = _read(pipe, _LENGTH)
    length = int.from_bytes(header, "big")
    if len(header) < _LENGTH or length > _LARGEST:
        return None
    content = _read(pipe, length)
    return content if len(content) == length else None


def _read(pipe: BinaryIO, count: int) -> bytes:
    """So many bytes, or fewer at the end."""
    parts = []
    while count and (part := pipe.read(count)):
        parts.append(part)
        count -= len(part)
    return b"".join(parts)
