"""Logging, progress bars, output files and versions."""
