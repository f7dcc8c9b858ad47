"""The learning rate as a pure function of the step."""

from __future__ import annotations

import math

WARM_UP = 0.3


def learning_rate(schedule: str, peak: float, step: int, total_steps: int) -> float:
    """The learning rate of a step.

    Args:
        schedule: "constant", "cosine" or "one_cycle", as in Hyperparameters.
        peak: The highest learning rate.
        step: Steps already taken, 0 to total_steps - 1.
        total_steps: Steps of the whole run.
    """
    if schedule == "constant":
        return peak
    if schedule == "cosine":
        return peak * _half_cosine(step / total_steps)
    rising = WARM_UP * total_steps
    if step < rising:
        return peak * (step + 1) / (rising + 1)
    return peak * _half_cosine((step - rising) / (total_steps - rising))


def _half_cosine(done: float) -> float:
    return 0.5 * (1.0 + math.cos(math.pi * done))
