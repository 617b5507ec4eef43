"""Principal components of checkpoints, from their inner products alone."""
