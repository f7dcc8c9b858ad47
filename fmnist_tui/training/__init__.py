"""Training a model: engines, the training loop, its events, metrics, recipes and checkpoints."""
