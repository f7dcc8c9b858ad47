"""Screen 3: a run as it learns."""
