"""Screen 4: the models compared."""
