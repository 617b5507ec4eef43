"""Locks that keep two runs from writing the same file."""
