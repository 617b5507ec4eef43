"""Ensembles: averages of networks' predictions and weights, on all ranks."""
