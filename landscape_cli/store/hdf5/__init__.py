"""HDF5 files with checksums: written by us, or read from anywhere within limits."""
