"""Frozen records passed between the layers."""
