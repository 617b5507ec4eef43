"""Adaptive refinement: points are computed only where interpolation errs too much."""

from landscape_cli.refinement.plan import Refinement, Step, wholly_computed

__all__ = ["Refinement", "Step", "wholly_computed"]
