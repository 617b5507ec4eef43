"""From coordinates to values: one network, resident data, exact sums."""

from landscape_cli.evaluation.data.split import SplitData
from landscape_cli.evaluation.evaluator import Evaluator

__all__ = ["Evaluator", "SplitData"]
