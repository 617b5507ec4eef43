"""See the loss landscape of a trained neural network, on a laptop or on a thousand GPUs."""

__version__ = "0.1.0"
