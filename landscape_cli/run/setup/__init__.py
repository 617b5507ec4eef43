"""Set-up of a rank: problem, weights, slice, data and forward pass, consistent on all ranks."""
