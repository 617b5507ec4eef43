"""What is drawn on top of values: marks, paths, checkpoints, small texts."""
