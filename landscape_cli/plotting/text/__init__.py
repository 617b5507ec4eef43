"""The words on a figure."""
