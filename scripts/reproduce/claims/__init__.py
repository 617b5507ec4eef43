"""Global claims about loss surfaces that can be measured: the parts of connectivity.py."""
