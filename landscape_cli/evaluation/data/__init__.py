"""The samples of a split: sources, batches, caching."""
