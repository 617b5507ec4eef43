"""Set-up of a rank: problem, weights, slice, data and forward pass, the same on every rank."""
