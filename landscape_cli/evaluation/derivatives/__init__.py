"""Derivatives of objectives: the one place where they are taken."""

from landscape_cli.evaluation.derivatives.strided_convolutions import backward, guarded

__all__ = ["backward", "guarded"]
