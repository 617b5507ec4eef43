"""Parameter space: flat parameters, directions and slices. No files, no MPI, no global state."""
