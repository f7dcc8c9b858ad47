"""The terminal lab for training image classifiers over SSH."""

__version__ = "0.2.0.dev0"
