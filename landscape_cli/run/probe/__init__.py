"""Ranges for directions, found by evaluating a few points along each."""
