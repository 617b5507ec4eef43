"""The points of a tile: on all samples, on as many as each needs, or several at once."""
