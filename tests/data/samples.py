"""Small datasets in MNIST's format, made for the tests."""

from __future__ import annotations

import gzip
import hashlib
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fmnist_tui.data.dataset import ByteArray, ImageSet, fingerprint, pixel_statistics
from fmnist_tui.data.official import OfficialFile, Release, content_checksum


def images_file(images: ByteArray) -> bytes:
    return struct.pack(">4I", 2051, len(images), *images.shape[-2:]) + images.tobytes()


def labels_file(labels: ByteArray) -> bytes:
    return struct.pack(">2I", 2049, len(labels)) + labels.tobytes()


HEADER = ",".join(["label", *(f"pixel{number}" for number in range(1, 785))])


def csv_lines(images: ByteArray, labels: ByteArray) -> list[str]:
    rows = np.column_stack([labels, images.reshape(len(images), -1)])
    return [",".join(map(str, row)) for row in rows.tolist()]


def csv_file(images: ByteArray, labels: ByteArray) -> bytes:
    return "\n".join([HEADER, *csv_lines(images, labels), ""]).encode()


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
        return {f"{name}.gz": gzip.compress(content, mtime=0) for name, content in self.contents.items()}

    @property
    def release(self) -> Release:
        files = tuple(
            OfficialFile(name, len(content), hashlib.sha256(content).hexdigest())
            for name, content in self.contents.items()
        )
        fingerprints = fingerprint(*self.train), fingerprint(*self.test)
        pixels = pixel_statistics(self.train[0])
        whole = content_checksum(ImageSet.of(*self.train), ImageSet.of(*self.test))
        return Release(files, fingerprints, self.content_checksums, whole, (pixels.mean, pixels.deviation))

    @property
    def content_checksums(self) -> tuple[str, str]:
        return content_checksum(ImageSet.of(*self.train)), content_checksum(ImageSet.of(*self.test))

    def write(self, folder: Path) -> Path:
        """Write the four gzipped files."""
        return put(folder, self.packed)

    def write_csv(self, folder: Path) -> Path:
        """Write Kaggle's pair."""
        files = {"fashion-mnist_train.csv": csv_file(*self.train), "fashion-mnist_test.csv": csv_file(*self.test)}
        return put(folder, files)

    def write_plain(self, folder: Path) -> Path:
        return put(folder, self.contents)


def sample(seed: int = 0, train: int = 60, test: int = 20, classes: int = 10) -> Sample:
    chance = np.random.default_rng(seed)

    def draw(count: int) -> tuple[ByteArray, ByteArray]:
        return chance.integers(0, 256, (count, 1, 28, 28), np.uint8), chance.integers(0, classes, count, np.uint8)

    return Sample(draw(train), draw(test))


def put(folder: Path, files: dict[str, bytes]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


def write_idx(folder: Path, train: ImageSet, test: ImageSet) -> Path:
    """Write any images as the four plain files."""
    return Sample((train.images, train.labels), (test.images, test.labels)).write_plain(folder)


def snapshot(folder: Path) -> dict[str, int]:
    """Every file below `folder` with its size."""
    return {str(path.relative_to(folder)): path.stat().st_size for path in folder.rglob("*") if path.is_file()}
