"""Samples of a split: sources, batches, caching."""
