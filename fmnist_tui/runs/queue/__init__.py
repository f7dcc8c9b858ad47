"""Runs that wait for a device: one queue for each user and host, across all folders of runs.

- `store`: the queue, in one file, and the folder that contains it
- `devices`: which devices a run may train on, which of them is free, and which are in use
- `submit`: puts runs into the queue
- `dispatch`: starts the runs whose device is free
- `dispatcher`: the small process that waits for devices while runs are queued
"""
