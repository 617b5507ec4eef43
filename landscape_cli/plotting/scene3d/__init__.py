"""Surfaces in three dimensions: camera, faces, light, rendering."""
