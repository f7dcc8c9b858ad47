"""The Inspector: what a run's network sees in one image."""
