"""Layers over the colours of a plane: contour lines, arrows, outlines; one kind a file."""
