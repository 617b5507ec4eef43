"""Permutation symmetries of networks, and their alignment to one another."""
