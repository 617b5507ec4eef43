"""Paths of trainings through parameter space, as they are stored."""
