"""One run: what is still to do -> executor -> store."""

from landscape_cli.runner.run import Outcome, compute

__all__ = ["Outcome", "compute"]
