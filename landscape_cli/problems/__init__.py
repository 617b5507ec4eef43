"""Problems to evaluate. User code needs only ``Problem``, and ``Predictions`` for ensembles."""

from landscape_cli.problems.predictions import Predictions
from landscape_cli.problems.problem import Objective, Problem

__all__ = ["Objective", "Predictions", "Problem"]
