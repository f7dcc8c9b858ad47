"""Small datasets in MNIST's format, whole or broken in one place."""

from __future__ import annotations

import gzip
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from data.samples import images_file, labels_file

TRAIN_IMAGES = "train-images-idx3-ubyte"
TRAIN_LABELS = "train-labels-idx1-ubyte"
TEST_IMAGES = "t10k-images-idx3-ubyte"
TEST_LABELS = "t10k-labels-idx1-ubyte"


@dataclass(frozen=True)
class Files:
    """The four files by name; each change gives another set."""

    contents: dict[str, bytes]

    def put(self, name: str, content: bytes) -> Files:
        """With another content."""
        return replace(self, contents={**self.contents, name: content})

    def drop(self, name: str) -> Files:
        """Without the file."""
        return replace(self, contents={key: value for key, value in self.contents.items() if key != name})

    def cut(self, name: str, count: int = 1) -> Files:
        """Without the file's last bytes."""
        return self.put(name, self.contents[name][:-count])

    def pack(self, name: str) -> Files:
        """With the file gzipped, under its gzipped name."""
        return self.drop(name).put(f"{name}.gz", gzip.compress(self.contents[name], mtime=0))

    def write(self, folder: Path) -> Path:
        """Writes the files to a folder, which is made."""
        folder.mkdir(parents=True)
        for name, content in self.contents.items():
            (folder / name).write_bytes(content)
        return folder


def images(count: int, side: int = 28) -> bytes:
    """An IDX file of images of random pixels."""
    pixels = np.random.default_rng(count).integers(0, 256, (count, side, side), np.uint8)
    return images_file(pixels)


def labels(*values: int) -> bytes:
    """An IDX file of labels."""
    return labels_file(np.array(values, np.uint8))


def sample() -> Files:
    """60 training and 20 test images; the labels go round, but no test image is of class 9."""
    return Files(
        {
            TRAIN_IMAGES: images(60),
            TRAIN_LABELS: labels(*(number % 10 for number in range(60))),
            TEST_IMAGES: images(20),
            TEST_LABELS: labels(*(number % 9 for number in range(20))),
        }
    )
