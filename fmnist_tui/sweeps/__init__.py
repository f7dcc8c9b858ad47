"""Searching for settings: a sweep is a folder of trials, which workers train; there is no server."""
