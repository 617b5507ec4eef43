"""The networks of sharp_flat.py, and what is concluded from their minima."""
