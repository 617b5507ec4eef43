"""Densities of spectra, and clusters of eigenvalues, in records of curvature."""
