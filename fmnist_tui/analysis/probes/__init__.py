"""Analyses of single runs, and the original project's claims checked against them."""
