"""Derivatives of objectives; every backward pass of the package goes through this module.

The names below are imported when they are first used, so that the registry of matrices can be
read without torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from landscape_cli.evaluation.derivatives.strided_convolutions import (
        backward,
        differentiate,
        guarded,
    )

__all__ = ["backward", "differentiate", "guarded"]


def __getattr__(name: str) -> Any:
    """Import a function of ``__all__`` when it is first used."""
    if name in __all__:
        from landscape_cli.evaluation.derivatives import strided_convolutions

        return getattr(strided_convolutions, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
