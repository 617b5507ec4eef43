"""From coordinates to values: one network, resident data, exact sums.

The two names below are imported when they are first used, so that registries in this package can be
read without torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from landscape_cli.evaluation.data.split import SplitData
    from landscape_cli.evaluation.evaluator import Evaluator

__all__ = ["Evaluator", "SplitData"]


def __getattr__(name: str) -> Any:
    """Import ``Evaluator`` or ``SplitData`` when it is first used."""
    if name == "Evaluator":
        from landscape_cli.evaluation.evaluator import Evaluator

        return Evaluator
    if name == "SplitData":
        from landscape_cli.evaluation.data.split import SplitData

        return SplitData
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
