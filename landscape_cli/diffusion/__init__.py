"""Diffusion maps of points that are known by their distances, and those of random walks."""
