"""The machine: its identity, CPUs, GPUs, and processes started on it. Imports no NumPy, PyTorch or psutil."""
