"""Spectra of symmetric operators that are known by their products with vectors."""
