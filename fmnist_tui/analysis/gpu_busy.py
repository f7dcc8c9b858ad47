"""How long a GPU computes, as PyTorch's profiler sees it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

_STEPS = 20


def busy_seconds(run: Callable[[int], None]) -> float | None:
    """The time in which an NVIDIA GPU is busy, per step; None if the profiler sees nothing, or fails.

    Args:
        run: Takes so many steps and waits for the device.
    """
    import torch
    from torch.profiler import ProfilerActivity, profile

    if not torch.cuda.is_available():
        return None
    try:
        with profile(activities=[ProfilerActivity.CUDA]) as profiled:
            run(_STEPS)
        events = profiled.events()
    except RuntimeError:  # another profiler is active, or the driver doesn't permit it
        return None
    on_gpu = [one for one in events or () if one.device_type.name == "CUDA" and not one.is_user_annotation]
    return _covered((one.time_range.start, one.time_range.end) for one in on_gpu) / 1e6 / _STEPS or None


def _covered(intervals: Iterable[tuple[float, float]]) -> float:
    """The length of the union of intervals (start, end)."""
    total, reached = 0.0, float("-inf")
    for start, end in sorted(intervals):
        total += max(0.0, end - max(start, reached))
        reached = max(reached, end)
    return total
