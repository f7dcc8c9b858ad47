"""Runs: their directories, status, commands and queue, and the processes that train them."""
