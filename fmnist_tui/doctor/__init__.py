"""The checks of `fmnist-tui doctor`: what works on this machine, with advice about the rest."""
