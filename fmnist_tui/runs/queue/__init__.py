"""Runs that wait for a device: one queue for each user and host, across all folders of runs.

- `store`: the queue, in one file, and the folder that contains it
- `devices`: which devices a run may train on, and which are in use
- `slots`: the rules: which queued run may start on which device, and why the others wait
- `after`: what became of a run that another one waits for
- `options`, `submit`: put runs into the queue
- `order`: moves, holds and releases them
- `dispatch`: starts the runs whose device is free
- `dispatcher`: the small process that waits for devices while runs are queued
- `sharing`, `measured`: what a trainer knows of the runs on its device, and saves of what it needed
- `waiting`, `estimate`: what runs wait for and how long, and what it costs that they share a device
"""
