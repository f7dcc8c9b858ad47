"""What each row measures, and how good it has to be."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Target:
    """A row of the table.

    Attributes:
        key: What `--only` calls it.
        group: Rows of one group share processes, and are measured together.
        title: What is measured.
        unit: How values are printed; they are stored in seconds, bytes, fractions and ratios.
        at_least: What has to be reached.
        aim: What should be; None where nothing beyond `at_least` is asked.
        more_is_better: Whether larger values are better.
    """

    key: str
    group: str
    title: str
    unit: str
    at_least: float
    aim: float | None
    more_is_better: bool = False

    def falls_short(self, value: float) -> bool:
        """Whether a value doesn't reach what has to be."""
        return value < self.at_least if self.more_is_better else value > self.at_least


def _faster(key: str, group: str, title: str, at_least: float, aim: float, unit: str = "x") -> Target:
    return Target(key, group, title, unit, at_least, aim, more_is_better=True)


TARGETS = (
    _faster("v0-sklearn", "v0", "v0's training / scikit-learn's MLPClassifier", 2.0, 2.5),
    _faster("v0-pytorch", "v0", "v0's training / the same network in PyTorch with DataLoader", 2.4, 3.0),
    _faster("v0-peak", "v0", "v0's fraction of the matrix product's peak", 0.47, 0.60, "%"),
    _faster("v0-busy", "v0", "v0 beside a busy process: threads as chosen / one thread", 1.0, 1.0),
    Target("v0-kept", "v0", "v0: lost to events, log and checkpoints", "%", 0.02, 0.01),
    Target("v0-memory", "v0", "v0's trainer: resident memory", "MB", 350e6, None),
    _faster("v3-pytorch", "v3", "v3's steps / the plain PyTorch loop's", 1.9, 2.2),
    _faster("v3-ten-epochs", "v3", "v3, ten epochs from start to result / the origin's procedure", 2.4, 3.5),
    Target("v3-kept", "v3", "v3: lost to events, log and checkpoints", "%", 0.02, 0.01),
    Target("v3-memory", "v3", "v3's trainer: resident memory", "MB", 1.2e9, None),
    Target("v0-live", "live-v0", "v0: the live screen at 120x40, of the machine's CPU time", "%", 0.02, 0.01),
    Target(
        "key",
        "live-v0",
        "key to painted answer while training, every key of every screen, 95th percentile",
        "ms",
        0.080,
        0.040,
    ),
    Target(
        "key-first",
        "live-v0",
        "key to first painted frame while training, every key of every screen, 95th percentile",
        "ms",
        0.080,
        0.040,
    ),
    Target(
        "key-far",
        "live-v0",
        "key to first frame over a line of 200 ms and 10 KB/s, beyond the 200 ms, 95th percentile",
        "ms",
        0.150,
        0.080,
    ),
    Target("key-bytes", "live-v0", "bytes that answer a key", "KB", 1.5e3, 0.8e3),
    Target("bytes-live", "live-v0", "terminal bytes a second while live at 120x40", "KB/s", 8e3, 3e3),
    Target("app-memory", "live-v0", "app on the training screen: resident memory", "MB", 120e6, None),
    Target("v3-live", "live-v3", "v3: the live screen at 120x40, of the machine's CPU time", "%", 0.02, 0.01),
    Target("bytes-idle", "start", "terminal bytes a second while nothing happens", "KB/s", 0.0, 0.0),
    Target("start-app", "start", "the app: start to first paint", "s", 0.45, 0.3),
    Target("start-runs", "start", "`runs`: start to end", "s", 0.4, 0.25),
    Target("start-results", "start", "`results`: start to end", "s", 0.35, 0.175),
    Target("start-help", "start", "`--help`: start to end", "s", 0.4, 0.25),
    Target("results-many", "scale", "`results` over 300 runs: start to end", "s", 1.0, 0.5),
    Target("runs-most", "scale", "`runs` over 1,000 runs: start to end", "s", 1.0, 0.5),
    Target("attach-curve", "scale", "attach to a run with a log of 100 MB: start to first curve", "s", 2.0, 1.0),
    Target("attach-memory", "scale", "the same: the most resident memory", "MB", 200e6, None),
    Target("data-first", "data", "the data's first load", "s", 0.4, None),
    Target("data-cached", "data", "the data's cached load", "s", 0.05, None),
    Target("data-csv", "data", "the data from a CSV pair, once", "s", 5.0, None),
)

KEYS = tuple(target.key for target in TARGETS)
