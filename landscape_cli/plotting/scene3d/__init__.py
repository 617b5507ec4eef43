"""Surfaces in three dimensions: camera, geometry, light, rendering."""
