"""Predictions of several networks: averages, scores of them, and averages of weights."""
