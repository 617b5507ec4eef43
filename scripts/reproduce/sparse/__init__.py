"""Pruned perceptrons beside thin ones: masks, training, directions."""
