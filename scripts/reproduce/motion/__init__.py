"""Studies of how training moves, one a file."""
