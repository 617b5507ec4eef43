"""Surfaces, and evaluators of models, for the tests of all packages.

PyTorch is imported only by what evaluates.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from landscape_cli.records.grid import AXIS_NAMES, Axis, Grid
from landscape_cli.records.surface import Surface
from landscape_cli.records.tiles import Quantity, Status

LOSS = ("train", "loss")
SQUARE = ("-1:1:5", "-1:1:5")
Values = ArrayLike | Callable[..., ArrayLike]


def bowl(x, y=0.0):
    """Return 1 at the centre, and more away from it, twice as steep along y."""
    return 1 + x**2 + 2 * y**2


def grid(*axes: str | Axis, repeats: int = 1) -> Grid:
    """Return the grid over axes x, y, z, each an `Axis` or text such as "-1:1:5"."""
    parsed = (axis if isinstance(axis, Axis) else Axis.parse(axis) for axis in axes)
    return Grid(dict(zip(AXIS_NAMES, parsed, strict=False)), repeats)


def mesh(over: Grid) -> list[NDArray[np.float64]]:
    """Return the coordinates x, y, ... of every point, each in the shape of one repeat."""
    places = [axis.coordinates for axis in over.axes.values()]
    return np.meshgrid(*places[::-1], indexing="ij")[::-1]


def surface(
    values: Values | Mapping[Quantity, Values],
    *axes: str | Axis,
    repeats: int = 1,
    status: ArrayLike | None = None,
    stderr: float | Callable[[NDArray], ArrayLike] | Mapping[Quantity, ArrayLike] | None = None,
    seconds: ArrayLike = 0.0,
    rank: ArrayLike = 0,
    **facts: Any,
) -> Surface:
    """Return a surface, complete unless the status says otherwise.

    Args:
        values: the train loss, as an array or a function of the coordinates; or several quantities
            by (split, name).
        axes: as for `grid`; a square of 5 x 5 points if there are none.
        repeats: how many; with more than one, arrays of values have a leading dimension for them.
        status: of each point; if None, points are not finite where any value is not, else OK.
        stderr: a number for all points, a function of the values, or arrays by quantity; NaN
            everywhere if None.
        seconds: what each point took, or all of them.
        rank: the rank that computed each point, or all of them.
        facts: the surface's ``config`` and ``provenance``.
    """
    over = grid(*axes or SQUARE, repeats=repeats)
    given = values if isinstance(values, Mapping) else {LOSS: values}
    arrays = {
        key: np.array(each(*mesh(over)) if callable(each) else each, dtype=np.float64)
        for key, each in given.items()
    }
    assert all(array.shape == over.shape for array in arrays.values()), over.shape
    if status is None:
        finite = np.all([np.isfinite(array) for array in arrays.values()], axis=0)
        status = np.where(finite, Status.OK, Status.NOT_FINITE)
    if not isinstance(stderr, Mapping):
        number = np.nan if stderr is None else stderr
        stderr = {
            key: number(array) if callable(number) else np.full(over.shape, number)
            for key, array in arrays.items()
        }
    return Surface(
        grid=over,
        values=arrays,
        stderr={key: np.array(array, dtype=np.float64) for key, array in stderr.items()},
        status=np.array(np.broadcast_to(status, over.shape), dtype=np.uint8),
        seconds=np.array(np.broadcast_to(seconds, over.shape), dtype=np.float32),
        rank=np.array(np.broadcast_to(rank, over.shape), dtype=np.int32),
        **facts,
    )


def curvature_of(x, y, shift=0.0):
    """Return every derivative of ``x² + y²/2 - x y² - shift (x² + y²)/2 + 3``, by quantity.

    The smallest eigenvalue is negative where ``2 x + 2 y² > 1``, if the shift is 0; the largest is
    at least ``2 - shift``.
    """
    loss = x**2 + y**2 / 2 - x * y**2 - shift * (x**2 + y**2) / 2 + 3
    first, second = (2 - shift) * x - y**2, (1 - shift) * y - 2 * x * y
    xx, xy, yy = 2 - shift + 0 * x, -2 * y, 1 - shift - 2 * x
    middle, half = (xx + yy) / 2, np.hypot((xx - yy) / 2, xy)
    return {
        "loss": loss,
        "gradient_norm": np.hypot(first, second),
        "gradient_x": first,
        "gradient_y": second,
        "hessian_max": middle + half,
        "hessian_min": middle - half,
        "hessian_xx": xx,
        "hessian_xy": xy,
        "hessian_yy": yy,
    }


def curved(*axes: str | Axis, shift: float = 0.0, error: float = 1e-6, **more: Any) -> Surface:
    """Return a surface of ``curvature_of``, whose numerical errors are all the same.

    Args:
        axes: as for `grid`; a square of 11 x 11 points from -1 to 1 if there are none.
        shift: as of ``curvature_of``; with 3 the largest eigenvalue is negative around the centre.
        error: the numerical error of each measure, and the standard error of the loss.
        more: further arguments of `surface`.
    """
    over = axes or ("-1:1:11", "-1:1:11")
    places = mesh(grid(*over))
    found = curvature_of(places[0], places[1] if len(places) > 1 else 0 * places[0], shift)
    return surface({("train", name): z for name, z in found.items()}, *over, stderr=error, **more)


def evaluator(
    model,
    splits: Mapping[str, Any],
    objective,
    directions: Mapping[str, Any] | Callable[..., Any] | None = None,
    settings=None,
    room=1 << 30,
    device="cpu",
    **more: Any,
):
    """Return an `Evaluator` whose data is loaded.

    Args:
        model: the network, at the centre of the slice.
        splits: where the samples of each split come from.
        objective: as of a problem.
        directions: by axis, recipes or tensors by parameter name; or a function that makes the
            slice around its centre; random in x and y if None.
        settings: of the forward pass; micro-batches of 16 samples if None.
        room: bytes, or a `Room`, for keeping data in memory.
        device: where to evaluate.
        more: further arguments of `Evaluator`.
    """
    import torch

    from landscape_cli.evaluation import Evaluator, SplitData
    from landscape_cli.evaluation.forward.settings import Settings
    from landscape_cli.geometry.directions.random import RandomDirection
    from landscape_cli.geometry.parameters import FlatParameters
    from landscape_cli.geometry.slices.affine import AffineSlice, build_slice

    device, settings = torch.device(device), settings or Settings(16)
    parameters = FlatParameters.of_model(model, device)
    if directions is None:
        directions = {"x": RandomDirection(seed=1), "y": RandomDirection(seed=2)}
    if callable(directions):
        slice_ = directions(parameters.clone())
    elif all(isinstance(each, Mapping) for each in directions.values()):
        flats = {axis: parameters.clone() for axis in directions}
        for axis, tensors in directions.items():
            flats[axis].assign(tensors)
        slice_ = AffineSlice(parameters.clone(), flats)
    else:
        slice_ = build_slice(parameters.clone(), directions)
    data = {
        name: SplitData(name, source, settings.micro_batch, device)
        for name, source in splits.items()
    }
    found = Evaluator(model, parameters, slice_, objective, data, settings, **more)
    found.load(room)
    return found


def regression(samples=50, features=3):
    """Return a linear model of its inputs, the inputs and the targets, all in float64."""
    import torch

    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(samples, features, generator=generator, dtype=torch.float64)
    targets = torch.randn(samples, 1, generator=generator, dtype=torch.float64)
    torch.manual_seed(1)
    return torch.nn.Linear(features, 1, dtype=torch.float64), inputs, targets


def random_directions(model):
    """Return two random directions for a model, in float64, by axis and name."""
    import torch

    generator = torch.Generator().manual_seed(2)
    return {
        axis: {
            name: torch.randn(one.shape, generator=generator, dtype=torch.float64)
            for name, one in model.named_parameters()
        }
        for axis in "xy"
    }


def image_evaluator(build, samples=(70,), objective=None, settings=None):
    """Return an evaluator of a network of small images, which its batch-norm statistics fit.

    Args:
        build: makes the network, which takes 3 x 8 x 8 pixels to 10 classes.
        samples: the number of samples of a split train and perhaps of a split test.
        objective: cross-entropy if None.
        settings: as for `evaluator`.
    """
    import torch
    from torch.utils.data import TensorDataset

    from landscape_cli.problems.objectives import cross_entropy

    torch.manual_seed(0)
    model = build()
    images, labels = torch.randn(sum(samples), 3, 8, 8), torch.randint(10, (sum(samples),))
    model(images)
    parts = zip(("train", "test"), images.split(samples), labels.split(samples), strict=False)
    splits = {name: TensorDataset(*tensors) for name, *tensors in parts}
    return evaluator(model.eval(), splits, objective or cross_entropy, settings=settings)
