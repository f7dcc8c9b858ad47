"""What a trainer writes into its run directory: checkpoints and snapshots in the background, the outcome; errors."""

from __future__ import annotations

import errno
import io
import json
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict
from typing import Any

import numpy as np
import safetensors.numpy

from fmnist_tui.files import write_atomically, write_json
from fmnist_tui.runs.access import refused
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.lock import Superseded
from fmnist_tui.runs.snapshots import NoSnapshotsError, read_snapshots
from fmnist_tui.training.checkpoint import Checkpoint, write_checkpoint
from fmnist_tui.training.config import TrainingConfig
from fmnist_tui.training.engine import Tensors
from fmnist_tui.training.events import Alert, CheckpointSaved
from fmnist_tui.training.snapshots import EpochSnapshot, SnapshotPlan
from fmnist_tui.training.store import DiskFull, Outcome

_NO_MEMORY = ("out of memory", "can't allocate memory", "cannot allocate memory", "status_alloc_failed")
_GPU = ("cuda", "cudnn", "cublas", "hip error", "hip out of memory", "nvidia", "mps backend")


def is_out_of_gpu_memory(error: Exception) -> bool:
    """Whether a GPU had too little memory. PyTorch, cuBLAS and cuDNN report it by different errors."""
    text = str(error).lower()
    return any(phrase in text for phrase in _NO_MEMORY) and any(phrase in text for phrase in _GPU)


def explain_error(error: Exception) -> str:
    """A line on an error of the memory or a GPU, with advice; "" for any other error.

    PyTorch raises plain RuntimeErrors for most of these, so they are recognised by their text.
    """
    text = str(error).lower()
    if is_out_of_gpu_memory(error):
        advice = "start a new run with a smaller --batch-size, or, if other runs share the GPU, resume with --per-gpu 1"
        return f"out of memory: {first_line(error)}; {advice}"
    if isinstance(error, MemoryError) or any(phrase in text for phrase in _NO_MEMORY):
        why = first_line(error) or "of this machine"
        return f"out of memory: {why}; start a new run with a smaller --batch-size, or resume when more memory is free"
    if isinstance(error, RuntimeError) and any(phrase in text for phrase in _GPU):
        return f"the GPU failed: {first_line(error)}; run `fmnist-tui doctor` to see what works, or use --device cpu"
    return ""


def first_line(error: Exception) -> str:
    """The first line of the error's text; of a paragraph, the first sentence."""
    return (str(error).strip().splitlines() or [""])[0].partition(". ")[0][:200]


class RunWriter:
    """Writes into a run directory. A thread writes checkpoints and snapshots; failures there are alerts, no more."""

    def __init__(
        self,
        run: RunDirectory,
        config: TrainingConfig,
        check: Callable[[], object] = lambda: None,
        *,
        exact: bool = True,
    ) -> None:
        """Writes nothing yet.

        Args:
            run: The run directory.
            config: What is trained, for the metadata of the files.
            check: Raises Superseded if a newer trainer has taken the run: then nothing is written.
            exact: Whether the run is bit for bit what its first trainer would have produced, for the result.
        """
        self._run = run
        self._config = config
        self._check = check
        self._exact = exact
        self._superseded: Superseded | None = None
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="checkpoints")
        self._writing: Future[None] | None = None
        self._snapshots: list[EpochSnapshot] | None = None
        self._written_snapshots = 0
        self._plan: SnapshotPlan | None = None
        self._news: list[CheckpointSaved | Alert] = []
        self._lock = threading.Lock()

    @property
    def busy(self) -> bool:
        """Whether a checkpoint is being written."""
        return self._writing is not None and not self._writing.done()

    def save_checkpoint(self, checkpoint: Checkpoint) -> None:
        """Start to write a checkpoint; waits for the previous one."""
        self.wait()
        self._writing = self._writer.submit(self._write, checkpoint, tuple(self._snapshots or ()))

    def save_snapshot(self, snapshot: EpochSnapshot, plan: SnapshotPlan) -> None:
        """Keep a snapshot beside those of earlier epochs, of earlier trainers too.

        The whole file is written before each checkpoint: a run that is killed resumes from there and takes those again
        that are missing.
        """
        if self._snapshots is None:
            self._snapshots = self._earlier_snapshots(snapshot)
        self._snapshots.append(snapshot)
        self._plan = plan

    def news(self) -> list[CheckpointSaved | Alert]:
        """What happened to the checkpoints since the last call.

        Raises:
            Superseded: A newer trainer has taken the run.
        """
        if self._superseded is not None:
            raise self._superseded
        with self._lock:
            news, self._news = self._news, []
        return news

    def wait(self) -> None:
        """Wait until nothing is being written."""
        if self._writing is not None:
            self._writing.result()

    def save_outcome(self, outcome: Outcome) -> None:
        """Save weights and predictions first and the result last, so that the rest exists when the result does.

        Raises:
            DiskFull: The disk is full.
            Superseded: A newer trainer has taken the run.
            RunError: They can't be written for another reason. Resuming from the last checkpoint tries again.
        """
        check = self._check
        check()
        try:
            self._write_snapshots(tuple(self._snapshots or ()))
            if outcome.weights is not None:
                write_atomically(self._run.model, _safetensors(outcome.weights, self._metadata()), check)
            if outcome.probabilities is not None and outcome.labels is not None:
                scored = _npz(probabilities=outcome.probabilities, labels=outcome.labels)
                write_atomically(self._run.predictions, scored, check)
            write_json(self._run.result, self._result(outcome), check)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise DiskFull(f"no room for the result in {self._run.path} ({error.strerror})") from None
            again = f"fmnist-tui resume {self._run.run_id}"
            raise refused(f"write the result to {self._run.path}", self._run.path, error, again) from None

    def close(self) -> None:
        """End the writing thread after its last checkpoint."""
        self._writer.shutdown()

    def _write(self, checkpoint: Checkpoint, snapshots: tuple[EpochSnapshot, ...]) -> None:
        news: CheckpointSaved | Alert
        try:
            self._write_snapshots(snapshots)
            write_checkpoint(self._run.checkpoints, checkpoint, self._check)
            news = CheckpointSaved(checkpoint.position.step)
        except Superseded as error:
            self._superseded = error
            return
        except OSError as error:
            news = Alert("checkpoint_failed", f"no checkpoint at step {checkpoint.position.step}: {error.strerror}")
        with self._lock:
            self._news.append(news)

    def _write_snapshots(self, snapshots: tuple[EpochSnapshot, ...]) -> None:
        """Replace the file of snapshots if some of them aren't in it."""
        if self._plan is not None and len(snapshots) > self._written_snapshots:
            content = _safetensors(self._plan.to_tensors(snapshots), {"layer": self._plan.layer})
            write_atomically(self._run.snapshots, content, self._check)
            self._written_snapshots = len(snapshots)

    def _earlier_snapshots(self, snapshot: EpochSnapshot) -> list[EpochSnapshot]:
        """Those that earlier trainers saved before this epoch; none where they have another form."""
        if snapshot.epoch == 0:
            return []
        try:
            found = read_snapshots(self._run).before(snapshot.epoch)
        except NoSnapshotsError:
            return []
        form = snapshot.weights.shape, snapshot.probabilities.shape
        return [one for one in found if (one.weights.shape, one.probabilities.shape) == form]

    def _metadata(self) -> dict[str, str]:
        settings = self._config.hyperparameters
        return {
            "version": self._config.version,
            "input_scale": repr(settings.input_scale),
            "input_offset": repr(settings.input_offset),
            "output": self._config.model.output,
        }

    def _result(self, outcome: Outcome) -> dict[str, Any]:
        scores = asdict(outcome.scores) if outcome.scores else dict.fromkeys(("accuracy", "nll", "brier", "ece"))
        return {
            "reason": outcome.reason,
            "version": self._config.version,
            "seed": self._config.seed,
            **{f"test_{name}": value for name, value in scores.items()},
            "epochs": outcome.epochs,
            "steps": outcome.steps,
            "seconds": outcome.seconds,
            "test_images": 0 if outcome.labels is None else len(outcome.labels),
            "device": self._config.device,
            "threads": self._config.threads,
            "exact": self._exact,
            "early_stopped": outcome.early_stopped,
        }


def _safetensors(tensors: Tensors, metadata: dict[str, str]) -> bytes:
    """The file's bytes, a pure function of its content: the library writes metadata in an order that changes."""
    plain = safetensors.numpy.save(tensors)
    length = int.from_bytes(plain[:8], "little")
    header = json.dumps({"__metadata__": metadata, **json.loads(plain[8 : 8 + length])}, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)
    return len(header).to_bytes(8, "little") + header + plain[8 + length :]


def _npz(**arrays: np.ndarray[Any, Any]) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]
    return buffer.getvalue()
