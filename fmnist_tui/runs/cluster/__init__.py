"""Training on other machines that share the folder of runs: as jobs of a Slurm cluster, or over ssh.

The run directory stays the only interface: the trainer there writes it, and everything here reads it and appends
commands to it. What starts a trainer (options, shell lines, the interpreter) comes from the user's own settings and
command line, never from a run's folder, which others may be able to write.
"""
