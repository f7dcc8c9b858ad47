"""Screen 7: all runs in one place, and the columns of their table, which `watch` has too."""
