"""Drawn on top of the values: marks, paths, checkpoints, small texts."""
