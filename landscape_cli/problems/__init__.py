"""Problems to evaluate. User code needs only ``Problem``."""

from landscape_cli.problems.problem import Objective, Problem

__all__ = ["Objective", "Problem"]
