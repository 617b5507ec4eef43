"""Derivatives of objectives; every backward pass of the package goes through this module.

The two names below are imported when they are first used, so that the registry of matrices can be
read without torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from landscape_cli.evaluation.derivatives.strided_convolutions import backward, guarded

__all__ = ["backward", "guarded"]


def __getattr__(name: str) -> Any:
    """Import ``backward`` or ``guarded`` when it is first used."""
    if name in __all__:
        from landscape_cli.evaluation.derivatives import strided_convolutions

        return getattr(strided_convolutions, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
