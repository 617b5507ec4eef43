"""Feed damaged input to what reads files, and see that it gives clean errors alone.

    python scripts/fuzz.py [KIND ...] [--seconds 20] [--seed N]

Each kind begins with valid inputs, and changes bytes, words and lengths of them at random. What is
neither read nor refused by a LandscapeError, or ends the process, is kept in runs/fuzz, and the
exit code is 1.
"""

from __future__ import annotations

import argparse
import faulthandler
import io
import itertools
import multiprocessing
import random
import shutil
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import h5py
import numpy as np
import torch
from torch import nn

from landscape_cli.config.run_config import parse_config
from landscape_cli.errors import LandscapeError
from landscape_cli.problems.checkpoints import load_weights
from landscape_cli.records.grid import Axis, Grid
from landscape_cli.records.repeats import one_repeat, spread
from landscape_cli.records.tiles import TileResult
from landscape_cli.records.trajectory import Trajectory
from landscape_cli.store import (
    empty_surface,
    read_centre,
    read_direction,
    read_older_surface,
    read_surface,
    read_trajectory,
    write_surface,
)
from landscape_cli.store.merge import merge_surfaces
from landscape_cli.store.recorder import Recorder
from landscape_cli.store.trajectory_file import Plane, write_trajectory

ROOT = Path(__file__).resolve().parents[1]
KEPT = ROOT / "runs" / "fuzz"
LONGEST = 30.0
"""Seconds for one input; what takes longer hangs."""

WORDS = [
    *(b"~", b"null", b"nan", b"-1", b"1e999", b"[", b"{", b": ", b"\n  ", b"!!python/object:os"),
    *(b"&a", b"*a", b"\0", b"\xff" * 8, b"\x7f\xff\xff\xff", b"\x89HDF", b"PK\x03\x04", b"FRHP"),
]

Inputs = list[bytes]
Reader = Callable[[Path, bytes], None]


def damaged(text: bytes, chance: random.Random) -> bytes:
    """A few changes to a text, at random places."""
    out = bytearray(text)
    for _ in range(chance.choice([1, 1, 2, 4, 16])):
        place = chance.randrange(len(out) + 1)
        way = chance.randrange(6)
        if way == 0 and place < len(out):
            out[place] ^= 1 << chance.randrange(8)
        elif way == 1 and place < len(out):
            out[place] = chance.randrange(256)
        elif way == 2:
            out[place:place] = chance.choice(WORDS)
        elif way == 3:
            del out[place : place + chance.choice([1, 4, 64, len(out)])]
        elif way == 4:
            out[place : place + 8] = chance.choice(WORDS)[:8]
        else:
            other = chance.randrange(len(out) + 1)
            out[place : place + 16] = out[other : other + 16]
    return bytes(out)


def configurations(folder: Path) -> tuple[Inputs, Reader]:
    """YAML texts."""
    texts = [path.read_bytes() for path in sorted((ROOT / "configs").glob("*.yaml"))]
    texts.append(
        b"problem: a:b\ngrid: {x: -1:1:5, y: [0, 1, 3]}\n"
        b"adaptive: {tolerance: 0.1}\ntime_limit: 5m\nshard: 1/2\n"
    )

    def read(path: Path, text: bytes) -> None:
        parse_config(text, "run.yaml").as_yaml()

    return texts, read


def checkpoints(folder: Path) -> tuple[Inputs, Reader]:
    """State dicts as torch.save and safetensors write them."""
    from safetensors.torch import save

    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    state = model.state_dict()
    texts = []
    for one in (state, {"state_dict": state, "epoch": 3}):
        file = io.BytesIO()
        torch.save(one, file)
        texts.append(file.getvalue())
    texts.append(save(state))
    endings = [".pt", ".pt", ".safetensors"]
    names = {text[:8]: ending for text, ending in zip(texts, endings, strict=True)}

    def read(path: Path, text: bytes) -> None:
        ending = names.get(text[:8], ".pt")
        load_weights(model, str(path.replace(path.with_suffix(ending))))

    return texts, read


def surfaces(folder: Path) -> tuple[Inputs, Reader]:
    """Surface files, complete and not, one of them with repeats."""
    path = folder / "valid.h5"
    texts = []
    for points, repeats in ((range(20), 1), (range(7), 1), (range(33), 2)):
        write_surface(path, surface(points, repeats))
        texts.append(path.read_bytes())

    def read(path: Path, text: bytes) -> None:
        found = read_surface(path)
        found.summary()
        one_repeat(found, found.grid.repeats - 1)
        if found.grid.repeated:
            for key in found.values:
                spread(found, key)

    return texts, read


def shards(folder: Path) -> tuple[Inputs, Reader]:
    """Files that are merged with one that is whole."""
    path = folder / "valid.h5"
    write_surface(path, surface(range(0, 20, 2)))
    texts = [path.read_bytes()]
    write_surface(path, surface(range(1, 20, 2)))
    other = read_surface(path)

    def read(path: Path, text: bytes) -> None:
        merge_surfaces([("other.h5", other), (str(path), read_surface(path))])

    return texts, read


def imports(folder: Path) -> tuple[Inputs, Reader]:
    """Surface files of `loss-landscape`: a line, and a plane that is not square."""
    texts = []
    for axes in ({"x": 9}, {"x": 5, "y": 4}):
        path = folder / "valid.h5"
        with h5py.File(path, "w") as file:
            file["dir_file"] = "net_weights_xnorm=filter.h5"
            for axis, points in axes.items():
                file[f"{axis}coordinates"] = np.linspace(-1, 1, points)
            for name in ("train_loss", "train_acc", "test_loss"):
                file[name] = np.arange(np.prod([*axes.values()])).reshape(*axes.values()) - 1.0
        texts.append(path.read_bytes())

    def read(path: Path, text: bytes) -> None:
        read_older_surface(path)[0].summary()

    return texts, read


def directions(folder: Path) -> tuple[Inputs, Reader]:
    """Files of directions, with and without names."""
    texts = []
    for named in (False, True):
        path = folder / "valid.h5"
        with h5py.File(path, "w") as file:
            for number, shape in enumerate(((4, 3), (4,), ())):
                tensor = file.create_dataset(f"xdirection/{number}", data=np.ones(shape))
                if named:
                    tensor.attrs["name"] = f"layer.{number}"
        texts.append(path.read_bytes())

    def read(path: Path, text: bytes) -> None:
        read_direction(path, "x")

    return texts, read


def trajectories(folder: Path) -> tuple[Inputs, Reader]:
    """Files of trajectories, with and without epochs, and a projection of `loss-landscape`."""
    path = folder / "valid.h5"
    tensors = {"weight": np.ones((2, 3)), "bias": np.ones(2)}
    axes = {"x": tensors, "y": tensors}
    plane = Plane(axes, {"x": {}, "y": {}}, {"x": (-1.0, 2.0)}, "net.pt", "ab" * 32, {})
    places = np.array([[1.0, 0.5], [0.5, 0.0], [0.0, 0.0]])
    rates = (np.nan, 0.1, 0.01)
    known = Trajectory(places, np.ones(3), ("a", "b", "c"), (0, 1, 2), rates, (0.7, 0.2))
    texts = []
    for one in (known, Trajectory(places, np.ones(3), ("a", "b", "c"))):
        write_trajectory(path, plane, one)
        texts.append(path.read_bytes())
    with h5py.File(path, "w") as file:
        file["proj_xcoord"], file["proj_ycoord"] = places.T
    texts.append(path.read_bytes())

    def read(path: Path, text: bytes) -> None:
        Trajectory.from_mapping(read_trajectory(path).as_mapping())
        read_centre(path)

    return texts, read


def surface(points: range, repeats: int = 1) -> object:
    """A surface of 5 x 4 points, some of them done."""
    grid = Grid({"x": Axis(-1, 1, 5), "y": Axis(-1, 1, 4)}, repeats)
    recorder = Recorder("unused.h5", empty_surface(grid, {"problem": "a:b"}, {"runs": []}))
    values = {("train", "loss"): np.array(points) / 7, ("train", "accuracy"): np.array(points) / 20}
    recorder.add(TileResult(tuple(points), values, values, np.ones(len(points), np.float32)))
    return recorder.surface


KINDS = {
    "configurations": configurations,
    "checkpoints": checkpoints,
    "surfaces": surfaces,
    "shards": shards,
    "imports": imports,
    "directions": directions,
    "trajectories": trajectories,
}


def inputs(texts: Inputs, chance: random.Random) -> Iterator[bytes]:
    """The valid texts, and then damaged ones without end."""
    yield from texts
    for _ in itertools.count():
        yield damaged(chance.choice(texts), chance)


def feed(kind: str, seed: int, seconds: float, folder: str, say: object) -> None:
    """Read damaged inputs for some time; runs in a process of its own, which may die of one."""
    faulthandler.enable()
    warnings.simplefilter("ignore")
    texts, read = KINDS[kind](Path(folder))
    path = Path(folder) / "input"
    end = time.monotonic() + seconds
    for number, text in enumerate(inputs(texts, random.Random(seed))):
        if time.monotonic() > end:
            break
        path.write_bytes(text)
        outcome = "read"
        try:
            read(path, text)
        except LandscapeError as error:
            outcome = "refused" if "\n" not in str(error) else f"several lines: {error}"
        except BaseException:
            outcome = traceback.format_exc()
        say.send((number, outcome, text))
    say.send(None)


def fuzz(kind: str, seed: int, seconds: float) -> bool:
    """Feed one kind of input, print what came of it, and say whether all errors were clean."""
    counts = {"read": 0, "refused": 0}
    bad = 0
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        with tempfile.TemporaryDirectory(dir=_memory()) as folder:
            hear, say = multiprocessing.Pipe(duplex=False)
            process = multiprocessing.Process(target=feed, args=(kind, seed, left, folder, say))
            process.start()
            say.close()
            ended = listen(hear, counts, kind)
            process.kill()
            process.join()
            if ended:
                break
            bad += 1
            keep(kind, Path(folder) / "input", "the process ended, or hung")
            seed += 1
    bad += sum(counts.pop(key) for key in list(counts) if key not in ("read", "refused"))
    total = sum(counts.values())
    print(
        f"{kind}: {total} inputs in {seconds:g} s ({60 * total / seconds:.0f} a minute), "
        f"{counts['read']} read, {counts['refused']} refused, {bad} errors that are not clean",
        flush=True,
    )
    return bad == 0 and counts["read"] > 0 and counts["refused"] > 0


def listen(hear: object, counts: dict[str, int], kind: str) -> bool:
    """Count what comes; False if the process ended or hung before it was done."""
    try:
        while hear.poll(LONGEST):
            message = hear.recv()
            if message is None:
                return True
            _, outcome, text = message
            known = outcome in ("read", "refused")
            key = outcome if known else "bad"
            counts[key] = counts.get(key, 0) + 1
            if not known and counts[key] <= 5:
                path = KEPT / kind / "input"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(text)
                keep(kind, path, outcome)
    except EOFError:
        pass
    return False


def keep(kind: str, path: Path, outcome: str) -> None:
    """Keep an input that went wrong, and say how."""
    folder = KEPT / kind
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / f"{len(list(folder.iterdir()))}.bad"
    shutil.copy(path, kept)
    print(f"{kept}:\n{outcome}", file=sys.stderr, flush=True)


def _memory() -> str | None:
    """A folder in memory, if there is one."""
    return "/dev/shm" if Path("/dev/shm").is_dir() else None


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("kinds", nargs="*", choices=[[], *KINDS], metavar="KIND", default=[])
    parser.add_argument("--seconds", type=float, default=20.0, help="for each kind")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    clean = [fuzz(kind, options.seed, options.seconds) for kind in options.kinds or KINDS]
    sys.exit(0 if all(clean) else 1)


if __name__ == "__main__":
    main()
