"""Feed damaged files to the code that reads them, and check that it raises only clean errors.

    python scripts/fuzz/fuzz.py [KIND ...] [--seconds 20] [--seed N]

Each kind starts from valid inputs and changes bits, bytes, words and lengths at random. An input
that is neither read nor refused by a LandscapeError, or that ends the process, is kept in
runs/fuzz, and the exit code is 1.
"""

from __future__ import annotations

import argparse
import sys
import time

import checkpoints
import configurations
import directions
import imports
import shards
import surfaces
import trajectories
from feeding import fuzz

KINDS = {
    "configurations": configurations.prepare,
    "checkpoints": checkpoints.prepare,
    "surfaces": surfaces.prepare,
    "shards": shards.prepare,
    "imports": imports.prepare,
    "directions": directions.prepare,
    "trajectories": trajectories.prepare,
}


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
    clean = [fuzz(kind, KINDS[kind], options.seed, options.seconds) for kind in kinds]
    sys.exit(0 if all(clean) else 1)


if __name__ == "__main__":
    main()
