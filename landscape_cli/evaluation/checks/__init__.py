"""Checks before a run: of the data, the objective, and the network."""
