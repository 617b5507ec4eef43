"""Executors, which evaluate tiles in this process or on the ranks of an MPI job."""
