"""The process that holds trained networks and answers requests about them: the app itself never imports PyTorch.

It reads requests from standard input and writes answers to standard output (see `requests`). Two threads work: one for
the networks in NumPy, which never wait for PyTorch to be imported, and one for the others. It ends when its standard
input is closed, whatever it is doing then: when the app ends, too.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from fmnist_tui.errors import RunError
from fmnist_tui.inspection.handlers import inspect
from fmnist_tui.inspection.predict import IN_APP
from fmnist_tui.inspection.requests import (
    Answer,
    AnyRequest,
    Done,
    Failed,
    Inspect,
    Predict,
    Probabilities,
    Request,
    read_request,
    write_message,
)
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.manifest import read_config
from fmnist_tui.runs.scored_model import Predictor, load_scored_model
from fmnist_tui.text import safe
from fmnist_tui.training.config import ConfigError

_MOST_NETWORKS = 4
_THREADS = 1
"""One image needs no more, and two threads wait for each other where a training keeps the CPUs busy: v3 took 6 ms with
one and 166 ms with two."""
_NICE = 5
"""So that a training on the same machine goes first."""
Handler = Callable[[Any, Predictor], Iterator[Answer]]


def predict(request: Predict, network: Predictor) -> Iterator[Answer]:
    """The probabilities."""
    image = request.image.array()
    begun = time.perf_counter()
    (values,) = network.predict(image[None])
    yield Probabilities(
        number=request.number, values=[float(value) for value in values], seconds=time.perf_counter() - begun
    )


HANDLERS: dict[type[Request], Handler] = {Predict: predict, Inspect: inspect}
"""Each yields its answers; between two of them it is ended if a newer request of the same kind has come."""


@dataclass(frozen=True)
class _Loaded:
    network: Predictor
    stamp: tuple[int, int, int]
    """Of the file of weights: a run that was retrained is loaded again."""


class Networks:
    """The networks of the runs that were asked for last, four at most, loaded when first asked for."""

    def __init__(self) -> None:
        self._loaded: OrderedDict[str, _Loaded] = OrderedDict()
        self._need_torch: dict[str, bool] = {}
        self._lock = threading.Lock()

    def needs_torch(self, run: str) -> bool:
        """Whether the run's network is one of PyTorch's.

        Raises:
            RunError: The run can't be read.
            ConfigError: Its model isn't known.
        """
        if run not in self._need_torch:
            self._need_torch[run] = read_config(RunDirectory(Path(run))).model.needs_torch
        return self._need_torch[run]

    def get(self, run: str) -> Predictor:
        """The run's network.

        Raises:
            RunError: It can't be loaded, or its code may not be run.
            ConfigError: PyTorch is missing.
        """
        directory = RunDirectory(Path(run))
        stamp = _stamp(directory.model)
        with self._lock:
            known = self._loaded.pop(run, None)
        if known is None or known.stamp != stamp:
            known = _Loaded(load_scored_model(directory, "cpu", _THREADS, IN_APP), stamp)
        with self._lock:
            self._loaded[run] = known
            while len(self._loaded) > _MOST_NETWORKS:
                self._loaded.popitem(last=False)
        return known.network


def _stamp(file: Path) -> tuple[int, int, int]:
    try:
        status = file.stat()
    except OSError:
        return 0, 0, 0
    return status.st_mtime_ns, status.st_size, status.st_ino


class _Lane:
    """A thread that works on requests in order; of the same kind, only on the newest."""

    def __init__(self, work: Callable[[AnyRequest, Callable[[], bool]], object]) -> None:
        self._work = work
        self._waiting: dict[tuple[str, str], AnyRequest] = {}
        self._changed = threading.Condition()
        threading.Thread(target=self._run, daemon=True).start()

    def put(self, request: AnyRequest) -> None:
        """Add a request, in the place of the one that it replaces."""
        with self._changed:
            self._waiting[request.key] = request
            self._changed.notify()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting)
                request = self._waiting.pop(next(iter(self._waiting)))
            self._work(request, partial(self._is_replaced, request))

    def _is_replaced(self, request: AnyRequest) -> bool:
        return request.key in self._waiting


class Worker:
    """Answers requests, each with what its handler yields, or one `Failed`, and then `Done`."""

    def __init__(self, answers: BinaryIO) -> None:
        self._answers = answers
        self._writing = threading.Lock()
        self._networks = Networks()
        self._torch = _Lane(self._answer)
        self._first = _Lane(self._sort)

    def put(self, request: AnyRequest) -> None:
        """Answer a request as soon as possible; returns at once."""
        self._first.put(request)

    def _sort(self, request: AnyRequest, is_replaced: Callable[[], bool]) -> None:
        """Answer those about networks in NumPy, and leave the others to the other thread."""
        try:
            needs_torch = self._networks.needs_torch(request.run)
        except (RunError, ConfigError) as error:
            self._fail(request, str(error))
            return
        if needs_torch:
            self._torch.put(request)
        else:
            self._answer(request, is_replaced)

    def _answer(self, request: AnyRequest, is_replaced: Callable[[], bool]) -> None:
        try:
            for answer in HANDLERS[type(request)](request, self._networks.get(request.run)):
                self._send(answer)
                if is_replaced():
                    break
        except (RunError, ConfigError) as error:
            self._fail(request, str(error))
        except BaseException as error:  # noqa: BLE001 - a custom model's code may raise anything
            self._fail(request, f"{type(error).__name__}: {error}")
        else:
            self._send(Done(number=request.number))

    def _fail(self, request: AnyRequest, reason: str) -> None:
        self._send(Failed(number=request.number, reason=safe(reason)))
        self._send(Done(number=request.number))

    def _send(self, answer: Answer) -> None:
        try:
            with self._writing:
                write_message(self._answers, answer)
        except OSError:
            os._exit(0)


def main() -> None:
    """Answer until standard input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in the app's terminal is the app's
    os.nice(_NICE)
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what a custom model prints is no answer
    worker = Worker(answers)
    with os.fdopen(0, "rb", buffering=0, closefd=False) as requests:
        while request := read_request(requests):
            worker.put(request)
    os._exit(0)


if __name__ == "__main__":
    main()
