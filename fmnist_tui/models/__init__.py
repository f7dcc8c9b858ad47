"""What v0 to v3 are: the network in NumPy, the networks in PyTorch, and the catalogue that tells their story."""
