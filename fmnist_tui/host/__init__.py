"""The machine: its identity, CPUs, GPUs, terminal, file systems, subprocesses. Imports no NumPy, PyTorch or psutil."""
