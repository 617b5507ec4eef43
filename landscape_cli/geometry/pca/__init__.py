"""Principal components of checkpoints, by their inner products alone."""
