"""Losses and gradients of a training's checkpoints, on all ranks."""
