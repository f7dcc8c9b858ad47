"""The Sweeps screen."""
