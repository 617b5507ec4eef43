"""`landscape connect`: curves between networks, trained one by one or for all pairs."""
