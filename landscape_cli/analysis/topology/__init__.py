"""Minima, maxima, saddles and basins of a surface, as a number that is described."""
