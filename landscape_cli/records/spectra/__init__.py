"""What records of curvature say about spectra: densities, and clusters of eigenvalues."""
