"""Topology of gridded values: minima, the saddles between them, and their basins."""
