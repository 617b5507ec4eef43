"""From the checkpoints of a training run to its path through a plane."""

from landscape_cli.tracing.trace import Options, Trace, trace

__all__ = ["Options", "Trace", "trace"]
