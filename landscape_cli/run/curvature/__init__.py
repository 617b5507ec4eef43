"""Curvature and sharpness of a network, with the samples divided among the ranks."""
