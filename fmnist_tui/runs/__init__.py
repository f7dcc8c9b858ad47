"""What is kept of a training, and who runs it: the run directory is the only place where trainer and screen meet."""
