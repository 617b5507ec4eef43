"""Diffusion maps of trainings: distances farmed out to the ranks, the map and its null walks."""
