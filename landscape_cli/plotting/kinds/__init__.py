"""Kinds of plot, one file each."""
