"""Language models of bytes: their text, their networks, and the numbers of their surfaces."""
