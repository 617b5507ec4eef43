"""Rules for the channels of operations: one family of operations a file, registered by name."""

from landscape_cli.alignment.rules import entries, layers, products, ranges, recurrent, shapes
from landscape_cli.alignment.rules.base import RULES, Call, unknown

__all__ = [
    "RULES",
    "Call",
    "entries",
    "layers",
    "products",
    "ranges",
    "recurrent",
    "shapes",
    "unknown",
]
