"""Fewer points for the same picture: computing where interpolation errs, and only there."""

from landscape_cli.refinement.plan import Refinement, Step, wholly_computed

__all__ = ["Refinement", "Step", "wholly_computed"]
