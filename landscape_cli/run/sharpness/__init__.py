"""Measures of a network's sharpness, with the samples divided among the ranks."""
