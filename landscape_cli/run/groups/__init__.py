"""Runs in which each model is held by a group of ranks."""
