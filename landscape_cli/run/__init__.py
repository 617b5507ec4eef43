"""Runs: computing, estimating and probing surfaces."""

from landscape_cli.run.compute import Outcome, compute
from landscape_cli.run.estimate import Estimate, estimate
from landscape_cli.run.probe.probe import Probe, probe

__all__ = ["Estimate", "Outcome", "Probe", "compute", "estimate", "probe"]
