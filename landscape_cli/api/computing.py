"""Computation of surfaces from a notebook or script."""

from __future__ import annotations

import os
import sys
import tempfile
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from landscape_cli.api.surface import Surface, read_surface
from landscape_cli.config.loading import load_config as read_config
from landscape_cli.config.loading import validate_config
from landscape_cli.config.run_config import RunConfig
from landscape_cli.errors import LandscapeError, UsageError, visible

if TYPE_CHECKING:
    from torch import nn

    from landscape_cli.parallel.executor import Executor
    from landscape_cli.problems.problem import Problem
    from landscape_cli.run.watch import Ending

Range = str | Sequence[float]
"""``(min, max, points)``, ``"auto"`` or ``"auto:31"``."""


def compute(
    problem: Problem | RunConfig | str,
    grid: Mapping[str, Range] | None = None,
    *,
    output: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
    progress: bool = True,
    **settings: Any,
) -> Surface:
    """Evaluate a network on a line, plane or volume through its parameters.

    In a script under ``mpiexec`` every rank calls this; the ranks share the points, and each gets
    the whole surface. The problem's model is the same afterwards as before.

    Args:
        problem: a ``Problem``; or the import path ``module:callable`` of a function that returns
            one; or a configuration from ``load_config``.
        grid: for each of the axes x, y, z its ``(min, max, points)``, or ``"auto"`` to probe the
            direction; a configuration's own if None.
        output: the HDF5 file to write. As on the command line, a complete file of the same
            configuration is only read, and an incomplete one is continued. If None, nothing is left
            on disk.
        overwrite: compute everything again, whatever ``output`` holds.
        progress: show what is computed, and a progress bar, on standard error.
        settings: any other key of a configuration, such as ``directions={"x": {"seed": 3}}``,
            ``splits=["test"]``, ``samples=1000``, ``adaptive={"tolerance": 0.01}``,
            ``measures=["gradient"]``, ``device="cuda"``, ``time_limit="10m"``.

    Returns:
        The surface. It is incomplete if a time limit or a signal stopped the run; with ``output``,
        the same call continues it. A single process stops between two points; of several ranks
        that do not stop within seconds, all are ended, with exit code 75.

    Raises:
        LandscapeError: for everything that a caller can cause.

    Example:
        >>> import landscape_cli as landscape
        >>> from landscape_cli.problems.zoo import build
        >>> problem = build("mlp", samples={"train": 100, "test": 50})
        >>> grid = {"x": (-1, 1, 5), "y": (-1, 1, 3)}
        >>> surface = landscape.compute(problem, grid, splits=["train"], progress=False)
        >>> surface
        <Surface of 5 x 3 points (x, y), complete: train accuracy, loss>
        >>> surface.values["train", "loss"].shape
        (3, 5)
    """
    from landscape_cli.evaluation.model_preparation import initialize
    from landscape_cli.parallel.executor_choice import choose_executor
    from landscape_cli.problems.problem import Problem
    from landscape_cli.run import compute as run

    own = problem if isinstance(problem, Problem) else None
    config = _config(problem, grid, settings)
    executor = choose_executor()
    with ExitStack() as stack:
        path = output or stack.enter_context(_temporary(executor))
        config = config.model_copy(update={"output": os.fspath(path)})
        stack.enter_context(_ending_together(executor))
        if own is not None:
            initialize(own)
            stack.enter_context(_unchanged(own.model))
        outcome = run(
            config,
            executor,
            overwrite=overwrite,
            command=sys.argv,
            quiet=not progress,
            problem=own,
            end=_print_ending if executor.size > 1 else None,
        )
        return executor.lead(lambda: read_surface(outcome.surface))


def load_config(path: str | os.PathLike[str], **changes: Any) -> RunConfig:
    r"""Read the YAML configuration of a run.

    Args:
        path: the file.
        changes: other values for keys of the configuration.

    Raises:
        LandscapeError: naming the key, the value received and what was expected.

    Example:
        >>> from pathlib import Path
        >>> import landscape_cli as landscape
        >>> _ = Path("line.yaml").write_text(
        ...     "problem: landscape_cli.problems.zoo:build\n"
        ...     "problem_args: {model: mlp, samples: {train: 100, test: 50}}\n"
        ...     "grid: {x: [-1, 1, 11]}\n"
        ... )
        >>> config = landscape.load_config("line.yaml", splits=["test"])
        >>> landscape.compute(config, progress=False)
        <Surface of 11 points (x), complete: test accuracy, loss>
    """
    return read_config(os.fspath(path), changes)


def _config(
    problem: Problem | RunConfig | str,
    grid: Mapping[str, Range] | None,
    settings: Mapping[str, Any],
) -> RunConfig:
    values: dict[str, Any] = {}
    if isinstance(problem, RunConfig):
        values = problem.model_dump()
        if grid is not None and "directions" not in settings:
            # Directions that were filled in by default need not fit another grid.
            directions = values["directions"]
            values["directions"] = {a: directions[a] for a in directions if a in grid}
            values["directions"] |= {a: {} for a in grid if a not in directions}
    elif isinstance(problem, str):
        values["problem"] = problem
    else:
        name = getattr(problem, "name", "") or type(getattr(problem, "model", problem)).__name__
        values["problem"] = f"<{name}>"
    if grid is not None:
        if not isinstance(grid, Mapping):
            raise UsageError(
                "compute: grid: expected a range by axis, such as {'x': (-1, 1, 51)}, "
                f"got {grid!r}"
            )
        values["grid"] = {axis: _range(one) for axis, one in grid.items()}
    elif "grid" not in values:
        raise UsageError("compute: grid: give a range by axis, such as {'x': (-1, 1, 51)}")
    for key in ("output", "shard"):
        if key in settings:
            raise UsageError(f"compute: {key}: is not a setting here; `landscape compute` has it")
    return validate_config({**values, **settings}, "compute")


def _range(one: Range) -> Any:
    return one if isinstance(one, str) or not isinstance(one, Sequence) else list(one)


def _print_ending(ending: Ending) -> None:
    """Print why several ranks are ended in the midst of their work."""
    cause = f"stopped by {ending.reason}" if ending.reason else "failed"
    text = visible(f"{cause}; {ending.what}; ending all ranks")
    print(f"landscape: {text}", file=sys.stderr, flush=True)


@contextmanager
def _temporary(executor: Executor) -> Iterator[Path]:
    """Yield a file in a folder that is there for the duration of the block; on every rank."""
    folders: list[tempfile.TemporaryDirectory[str]] = []

    def make() -> str:
        folders.append(tempfile.TemporaryDirectory(prefix="landscape-"))
        return folders[0].name

    folder = executor.lead(make)
    try:
        yield Path(folder) / "surface.h5"
    finally:
        for one in folders:
            one.cleanup()


@contextmanager
def _unchanged(model: nn.Module) -> Iterator[None]:
    """Give a model everything back that a run changes, however the run ends.

    A run moves parameters into buffers of its own, folds norms into convolutions, replaces forward
    passes, changes modes, which may change weights, and may re-estimate statistics in place.
    """
    from landscape_cli.evaluation.model_state import switches

    in_place = switches(model)
    tables = [
        (table, dict(table))
        for module in model.modules()
        for table in (vars(module), module._parameters, module._buffers)
        if isinstance(table, dict)  # TorchScript's are views of its own, and are not changed
    ]
    parameters = [
        (parameter, parameter.data, parameter.detach().clone() if in_place else None)
        for parameter in model.parameters()
    ]
    buffers = [
        (module, name, buffer, buffer.data, buffer.clone())
        for module in model.modules()
        for name, buffer in module._buffers.items()
        if buffer is not None
    ]
    try:
        yield
    finally:
        for table, entries in tables:
            table.clear()
            table.update(entries)
        for parameter, data, content in parameters:
            parameter.data = data
            if content is not None:
                parameter.data.copy_(content)
        for module, name, buffer, data, copy in buffers:
            if not buffer.is_inference():
                buffer.data = data
                buffer.copy_(copy)
            module._buffers[name] = buffer


@contextmanager
def _ending_together(executor: Executor) -> Iterator[None]:
    """End the whole MPI job if one of several ranks fails alone, so that none waits for ever."""
    from landscape_cli.parallel.abort import end_ranks

    try:
        yield
    except BaseException as error:
        collective = isinstance(error, LandscapeError) and error.collective
        if executor.size > 1 and not collective:
            traceback.print_exc()
            end_ranks(1)
        raise
