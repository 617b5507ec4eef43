"""Feed damaged files to the code that reads them, and check that it raises only clean errors.

    python scripts/fuzz/fuzz.py [KIND ...] [--seconds 20] [--seed N]

Each kind starts from valid inputs and changes bits, bytes, words, lengths and addresses at random.
An input that is neither read nor refused by a LandscapeError, or that ends the process, is kept in
runs/fuzz, and the exit code is 1. Each core has a kind of its own at a time.

The kinds that end in -flips change single bytes of our files and of a checkpoint, 1,000 times
each: a flip is refused, or read as if nothing had changed; one that changes a value is an error.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import time
from concurrent.futures import ProcessPoolExecutor

import checkpoints
import configurations
import curvatures
import curves
import diffusions
import directions
import flips
import imports
import recordings
import shards
import surfaces
import trajectories
from damage import damage_endlessly
from feeding import Damage, Prepare, fuzz

from landscape_cli.evaluation.devices import own_cores

KINDS: dict[str, tuple[Prepare, Damage]] = {
    "configurations": (configurations.prepare, damage_endlessly),
    "checkpoints": (checkpoints.prepare, damage_endlessly),
    "surfaces": (surfaces.prepare, damage_endlessly),
    "shards": (shards.prepare, damage_endlessly),
    "imports": (imports.prepare, damage_endlessly),
    "directions": (directions.prepare, damage_endlessly),
    "trajectories": (trajectories.prepare, damage_endlessly),
    "curvatures": (curvatures.prepare, damage_endlessly),
    "curves": (curves.prepare, damage_endlessly),
    "recordings": (recordings.prepare, damage_endlessly),
    "diffusions": (diffusions.prepare, damage_endlessly),
    "surface-flips": (flips.prepare_surface, flips.flips),
    "directions-flips": (flips.prepare_directions, flips.flips),
    "trajectory-flips": (flips.prepare_trajectory, flips.flips),
    "curvature-flips": (curvatures.prepare_flips, flips.flips),
    "curve-flips": (curves.prepare_flips, flips.flips),
    "diffusion-flips": (diffusions.prepare_flips, flips.flips),
    "checkpoint-flips": (flips.prepare_checkpoint, flips.flips),
    "recording-flips": (recordings.prepare_flips, flips.flips),
}

LONGEST = 600.0
"""Upper bound in seconds on the time for all flips of a file."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("kinds", nargs="*", choices=[[], *KINDS], metavar="KIND", default=[])
    parser.add_argument("--seconds", type=float, default=20.0, help="for each kind")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    kinds = options.kinds or KINDS
    fresh = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(len(own_cores()), mp_context=fresh) as pool:
        found = [pool.submit(run, kind, options.seed, options.seconds) for kind in kinds]
        clean = [each.result() for each in found]
    sys.exit(0 if all(clean) else 1)


def run(kind: str, seed: int, seconds: float) -> bool:
    """Feed one kind of input to its reader; return whether nothing went wrong."""
    return fuzz(kind, *KINDS[kind], seed, LONGEST if "flips" in kind else seconds)


if __name__ == "__main__":
    main()
