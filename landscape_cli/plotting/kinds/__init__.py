"""The kinds of plot, and what they share."""
