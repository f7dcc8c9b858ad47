"""Fashion-MNIST as Zalando Research publishes it (names, sizes, checksums, mirrors), and whether given images are it.

The checksums are of the decompressed files, since distributors recompress them, and of the current data, in which
duplicates were replaced in August 2017.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fmnist_tui.data.dataset import Dataset, ImageSet


NAME = "Fashion-MNIST"

FASHION_CLASSES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)

# The bucket supports HTTP only; the checksums verify what it sends.
MIRRORS = (
    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
)


@dataclass(frozen=True, slots=True)
class OfficialFile:
    """One of the four files: its name without `.gz`, and the size and sha256 of its decompressed content."""

    name: str
    size: int
    sha256: str

    def holds(self, content: bytes) -> bool:
        """Whether the decompressed `content` is this file, byte for byte."""
        return len(content) == self.size and hashlib.sha256(content).hexdigest() == self.sha256


@dataclass(frozen=True, slots=True)
class Release:
    """A published data set.

    Attributes:
        files: The four files.
        fingerprints: The `ImageSet.fingerprint` of the training set and of the test set.
        content_checksums: The `content_checksum` of the training set and of the test set.
        combined_checksum: The `content_checksum` of both sets together.
        pixels: Mean and standard deviation of the training images' pixels, as fractions of 255.
    """

    files: tuple[OfficialFile, ...]
    fingerprints: tuple[str, str]
    content_checksums: tuple[str, str]
    combined_checksum: str
    pixels: tuple[float, float]


FASHION_MNIST = Release(
    files=(
        OfficialFile(
            "train-images-idx3-ubyte",
            47_040_016,
            "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        ),
        OfficialFile(
            "train-labels-idx1-ubyte",
            60_008,
            "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        ),
        OfficialFile(
            "t10k-images-idx3-ubyte",
            7_840_016,
            "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        ),
        OfficialFile(
            "t10k-labels-idx1-ubyte",
            10_008,
            "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
        ),
    ),
    fingerprints=(
        "16d82e2b505296aa2b78bd5ea0992634f30419a4c97def7c907d154a35ac6157",
        "9f1ec356a747bfe4ebab3cfb722d3694c9ca737e2570f6f90cf31d7b6fd689d4",
    ),
    content_checksums=(
        "fb88a2f5c1b590c907f860b47803d006e4fa7b276cdb551799af9d443accdff7",
        "0b381379398a0943a88bf3864ff3f5177903dcf178030b4b74c495294b38fa7c",
    ),
    combined_checksum="c22292c847034e4f0856c3099ca0bd11a118af543994973d473bc732d184ab47",
    pixels=(0.28604, 0.35302),
)


def content_checksum(*sets: ImageSet) -> str:
    """A checksum, in hex digits, of labelled images regardless of their order and of how the sets divide them.

    It is the sha256 of the sorted sha256 digests of each image's bytes followed by its label. It takes 0.1 to 0.2 s for
    70,000 images of 28x28 pixels.
    """
    return _checksum_of(digest for images in sets for digest in _digests(images))


def same_images_as_official(dataset: Dataset, release: Release = FASHION_MNIST) -> tuple[bool, bool]:
    """Whether the training set and the test set are the official ones, labels included, in any order.

    The images themselves are compared only if the fingerprint differs.
    """
    parts = zip((dataset.train, dataset.test), release.fingerprints, release.content_checksums, strict=True)
    train, test = (part.fingerprint == known or content_checksum(part) == content for part, known, content in parts)
    return train, test


def holds_official_images(train: ImageSet, test: ImageSet, release: Release = FASHION_MNIST) -> bool:
    """Whether the training images, or all images together, are the official ones in any order.

    The images themselves are compared only if the fingerprint differs and their number matches.
    """
    if train.fingerprint == release.fingerprints[0]:
        return True
    sizes = [file.size - 16 for file in release.files if "images" in file.name]
    if train.images.nbytes != sizes[0] and train.images.nbytes + test.images.nbytes != sum(sizes):
        return False
    digests = _digests(train)
    return (
        _checksum_of(digests) == release.content_checksums[0]
        or _checksum_of(digests + _digests(test)) == release.combined_checksum
    )


def _digests(images: ImageSet) -> list[bytes]:
    pixels, labels = images.images.reshape(-1).data, images.labels.data
    size = images.images[0].nbytes
    digests = []
    for index in range(len(images)):
        digest = hashlib.sha256(pixels[index * size : (index + 1) * size])
        digest.update(labels[index : index + 1])
        digests.append(digest.digest())
    return digests


def _checksum_of(digests: Iterable[bytes]) -> str:
    return hashlib.sha256(b"".join(sorted(digests))).hexdigest()
