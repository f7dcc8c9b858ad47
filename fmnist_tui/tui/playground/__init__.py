"""Screen 6: drawing an image, and what several networks predict for it."""
