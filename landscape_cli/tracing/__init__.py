"""From the checkpoints of a training run to its path through a plane."""

from landscape_cli.tracing.trace import Options, Trace, trace
from landscape_cli.tracing.trainings import Training, trainings_from

__all__ = ["Options", "Trace", "Training", "trace", "trainings_from"]
