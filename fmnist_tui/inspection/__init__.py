"""What a trained network sees: predictions for pictures, maps, and one step by hand."""
