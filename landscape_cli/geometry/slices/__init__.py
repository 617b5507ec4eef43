"""Slices: maps from coordinates to parameters."""
