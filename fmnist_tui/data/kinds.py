"""What a file is that was put in a data file's place, by its first bytes, and what to do with it."""

from __future__ import annotations

from fmnist_tui.data.errors import DataError

LONGEST = 4  # bytes that are looked at
_KINDS = {
    b"PK\x03\x04": ("a zip archive", "unzip it"),
    b"\x1f\x8b": ("compressed twice", "unpack it once: gunzip"),
    b"BZh": ("compressed with bzip2", "unpack it: bunzip2"),
    b"\xfd7zX": ("compressed with xz", "unpack it: unxz"),
    b"\x28\xb5\x2f\xfd": ("compressed with zstd", "unpack it: unzstd"),
    b"\x93NUM": ("a NumPy array", "write it as an IDX file or a CSV file"),
    b"vers": ("a pointer of Git LFS, not the file itself", "fetch it: git lfs pull"),
    b"\xff\xfe": ("text in UTF-16", "save it as UTF-8"),
    b"\xfe\xff": ("text in UTF-16", "save it as UTF-8"),
    b"<": ("a web page", "download the file itself"),
}


def check_kind(start: bytes, expected: str, name: str) -> None:
    """Raise DataError if a file called `name` that should be `expected` starts as another kind does.

    Args:
        start: Its first bytes, unpacked.
        expected: Such as "an IDX file of images".
        name: What to call it in messages.
    """
    for length in range(LONGEST, 0, -1):
        if start[:length] in _KINDS:
            kind, advice = _KINDS[start[:length]]
            raise DataError(f"{name} is not {expected}: it is {kind}", advice)
