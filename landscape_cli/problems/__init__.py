"""Problems: what is evaluated. ``Problem`` is all that a user's own code needs."""

from landscape_cli.problems.problem import Objective, Problem

__all__ = ["Objective", "Problem"]
