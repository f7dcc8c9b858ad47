"""What a machine does to a training, in words for the person who has to act on it."""

from __future__ import annotations

_NO_MEMORY = ("out of memory", "can't allocate memory", "cannot allocate memory")
_GPU = ("cuda", "cudnn", "cublas", "hip error", "nvidia", "mps backend")


def machine_fault(error: Exception) -> str:
    """A line on an error that memory or a GPU gave, with what to do; "" for any other.

    PyTorch raises plain RuntimeErrors for most of them, so that their words have to tell.
    """
    text = str(error).lower()
    if isinstance(error, MemoryError) or any(words in text for words in _NO_MEMORY):
        why = first_line(error) or "of this machine"
        return f"out of memory: {why}; train anew with a smaller --batch-size, or resume when others have left"
    if isinstance(error, RuntimeError) and any(words in text for words in _GPU):
        return f"the GPU failed: {first_line(error)}; `fmnist-tui doctor` says what works; --device cpu does"
    return ""


def first_line(error: Exception) -> str:
    """The first line of its text; of a paragraph the first sentence."""
    return (str(error).strip().splitlines() or [""])[0].partition(". ")[0][:200]
