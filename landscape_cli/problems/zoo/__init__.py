"""Models and data sets to begin with, by name."""
