"""Titles, labels and captions of figures."""
