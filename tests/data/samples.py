"""Small datasets in MNIST's format, made for the tests."""

from __future__ import annotations

import gzip
import hashlib
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fmnist_tui.data.dataset import ByteArray, fingerprint
from fmnist_tui.data.official import OfficialFile, Release


def images_file(images: ByteArray) -> bytes:
    return struct.pack(">4I", 2051, *images.shape) + images.tobytes()


def labels_file(labels: ByteArray) -> bytes:
    return struct.pack(">2I", 2049, len(labels)) + labels.tobytes()


@dataclass(frozen=True)
class Sample:
    """60 training and 20 test images of random pixels."""

    train: tuple[ByteArray, ByteArray]
    test: tuple[ByteArray, ByteArray]

    @property
    def contents(self) -> dict[str, bytes]:
        return {
            "train-images-idx3-ubyte": images_file(self.train[0]),
            "train-labels-idx1-ubyte": labels_file(self.train[1]),
            "t10k-images-idx3-ubyte": images_file(self.test[0]),
            "t10k-labels-idx1-ubyte": labels_file(self.test[1]),
        }

    @property
    def packed(self) -> dict[str, bytes]:
        return {f"{name}.gz": gzip.compress(content) for name, content in self.contents.items()}

    @property
    def release(self) -> Release:
        files = tuple(
            OfficialFile(name, len(content), hashlib.sha256(content).hexdigest())
            for name, content in self.contents.items()
        )
        return Release(files, (fingerprint(*self.train), fingerprint(*self.test)))

    def write(self, folder: Path) -> Path:
        """Write the four gzipped files."""
        return put(folder, self.packed)

    def write_plain(self, folder: Path) -> Path:
        return put(folder, self.contents)


def sample(seed: int = 0) -> Sample:
    chance = np.random.default_rng(seed)

    def draw(count: int) -> tuple[ByteArray, ByteArray]:
        return chance.integers(0, 256, (count, 28, 28), np.uint8), chance.integers(0, 10, count, np.uint8)

    return Sample(draw(60), draw(20))


def put(folder: Path, files: dict[str, bytes]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


def snapshot(folder: Path) -> dict[str, int]:
    """Every file below `folder` with its size."""
    return {str(path.relative_to(folder)): path.stat().st_size for path in folder.rglob("*") if path.is_file()}
