"""Fewer points for the same picture: computing where interpolation errs, and only there."""

from landscape_cli.refinement.plan import Refinement, Step

__all__ = ["Refinement", "Step"]
