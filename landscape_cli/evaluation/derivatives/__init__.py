"""Derivatives of objectives; every backward pass of the package goes through this module."""

from landscape_cli.evaluation.derivatives.strided_convolutions import backward, guarded

__all__ = ["backward", "guarded"]
