"""Alignment of checkpoints to a reference."""
