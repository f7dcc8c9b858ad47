"""Screen 1: the images."""
