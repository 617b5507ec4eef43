"""Logs, progress bars, output files and versions."""
