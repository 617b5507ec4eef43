"""Frozen records that travel between the layers."""
