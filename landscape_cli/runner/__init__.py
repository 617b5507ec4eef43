"""One run: what is still to do -> executor -> store."""

from landscape_cli.runner.estimate import Estimate, estimate
from landscape_cli.runner.probe import Probe, probe
from landscape_cli.runner.run import Outcome, compute

__all__ = ["Estimate", "Outcome", "Probe", "compute", "estimate", "probe"]
