"""Parameter space: flat parameters, directions and slices; no files, no MPI."""
