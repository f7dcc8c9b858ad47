"""How a model learns: engines, the trainer, its events, metrics, recipes and the checkpoint."""
