"""Where tiles are evaluated: in this process, or on the ranks of an MPI job."""
