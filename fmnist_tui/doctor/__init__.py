"""Checks of this machine, each with advice: what `doctor` prints, and what a logout would end."""
