"""The terminal lab for training image classifiers over SSH."""

__version__ = "0.1.0"
