"""`python -m fmnist_tui`."""

from fmnist_tui.cli import main

main()
