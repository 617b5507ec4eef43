"""Checks of everything that a run needs."""
