"""Runs that wait for a device: one order for each user and host, across all folders of runs.

- `store`: the order, in one file, and the folder that holds it
- `claims`: which devices are in use by which trainers
- `devices`: which devices a run may train on, and which of them is free
- `starting`: puts runs into the order and starts those whose device is free
- `dispatcher`: the one small process that waits while there is something to wait for
"""
