"""Detection of values that depend on which samples share a batch.

Contrastive losses and batch norm without running statistics are examples. For a data set of
samples, the micro-batch would then decide the values.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from landscape_cli.errors import ProblemError, cause
from landscape_cli.evaluation.data.batches import batch_length, chosen_samples, divisible
from landscape_cli.evaluation.data.split import SplitData
from landscape_cli.evaluation.evaluator import Evaluator
from landscape_cli.evaluation.objective_values import is_pair
from landscape_cli.evaluation.out_of_memory import out_of_memory, too_large
from landscape_cli.util.accelerators import wide

NEIGHBOURS = 3e-6
"""Largest change of a sample's value, relative to the values, when the other samples of its batch
change. Batches of one size run the same kernels, so hardly any rounding changes."""

SIZE = 1e-3
"""Largest change of a sample's value, relative to the values, when the size of its batch changes:
another kernel may round differently."""

ROUNDINGS = 1, 16
"""Least values of the two bounds, in units of roundoff of the parameters or quantized modules."""

QUANTIZED = 4 / 127
"""Unit of roundoff of dynamically quantized modules, a few steps of 8 bits: their scale is that of
all activations in a batch."""

FLIPS = 0.1
"""Fraction of the samples whose value may change more with the size of a batch: predictions that
are tied change with rounding."""

Column = NDArray[np.float64]
Table = dict[str, Column]


def find_dependence(evaluator: Evaluator, split: SplitData) -> str | None:
    """Evaluate the centre on other batches of a split's first samples, and compare each sample.

    Each half of the first batch keeps its place in a batch of the same size, next to copies of
    itself in place of the other half: so a value changes only if it depends on the others. The
    second half is evaluated alone, too, for values that depend on the size of the batch, or on a
    sample's place in it.

    Args:
        evaluator: with loaded data.
        split: one of its splits.

    Returns:
        The dependence in words, or None if there is none, or the batch can't be divided.

    Raises:
        ProblemError: if memory runs out.
    """
    batch = next(iter(split))
    length = batch_length(batch)
    if length is None or length < 2 or not divisible([batch]):
        return None
    half = length // 2
    low, high = list(range(half)), list(range(half, length))
    beside_low = low + [low[i % half] for i in range(length - half)]
    beside_high = [high[i % len(high)] for i in range(half)] + high

    def values(order: list[int], seed: int = 0) -> Table:
        return _values(evaluator, split, chosen_samples(batch, order), seed)

    whole, again = values(low + high), values(low + high, seed=1)
    one, other, alone = values(beside_low), values(beside_high), values(high)
    eps = _roundoff(evaluator)
    bounds = [max(least, n * eps) for least, n in zip((NEIGHBOURS, SIZE), ROUNDINGS, strict=True)]
    for name in whole:
        if any(name not in table for table in (again, one, other)):
            continue
        mixed = np.concatenate([one[name][:half], other[name][half:]])
        text = _compare(whole[name], again[name], mixed, alone.get(name), bounds)
        if text is not None:
            return f"{name!r} of {text}"
    return None


def _compare(
    values: Column, again: Column, mixed: Column, alone: Column | None, bounds: list[float]
) -> str | None:
    """Compare the values of a batch's samples with those in other batches.

    Args:
        values: in the batch.
        again: in the same batch, with other random numbers.
        mixed: beside other samples.
        alone: of the last samples, without the others; None if the objective did not take them.
        bounds: for ``mixed`` and ``alone``.

    Returns:
        The first sample whose value depends on the batch, and its two values, in words, or None.
    """
    random = bool(_changed(values, again, bounds[1]).any())
    noise = 0.0 if random else 4 * _largest_difference(again, values)
    changed = _changed(values, mixed, bounds[0], noise)
    if changed.any():
        return _text(int(np.argmax(changed)), values, mixed, "beside other samples")
    if alone is None or random:
        return None
    start = len(values) - len(alone)
    found = np.concatenate([values[:start], alone])
    changed = _changed(values, found, bounds[1], noise)
    counted = np.count_nonzero((values[start:] != 0) | (alone != 0))
    if changed.sum() <= FLIPS * counted:
        return None
    how = f"in a batch of the last {len(alone)} of {len(values)}"
    return _text(int(np.argmax(changed)), values, found, how)


def _roundoff(evaluator: Evaluator) -> float:
    """Return the coarsest unit of roundoff of the model's parameters and quantized modules."""
    units = [torch.finfo(dtype).eps for dtype in evaluator.parameters.dtypes]
    kinds = (type(module).__module__ for module in evaluator.model.modules())
    return max([*units, *(QUANTIZED for kind in kinds if "quantized.dynamic" in kind)])


def _values(evaluator: Evaluator, split: SplitData, batch: Any, seed: int) -> Table:
    """Return each sample's values at the centre; empty if the objective does not take the batch.

    Random numbers, where they are allowed, depend on the seed only.
    """
    devices = evaluator.parameters.devices
    forks = [device for device in devices if device.type in ("cuda", "xpu")]
    kind = forks[0].type if forks else "cuda"
    # torch.manual_seed formats a traceback for each kind of device that is not in use.
    on_cpu = all(device.type == "cpu" for device in devices)
    seeded = torch.default_generator if on_cpu else torch
    try:
        with torch.no_grad(), torch.random.fork_rng(forks, device_type=kind):
            seeded.manual_seed(seed)
            evaluator.write(evaluator.slice.origin)
            values = evaluator.objective(evaluator.model, batch)
    except Exception as error:
        if out_of_memory(error):
            raise ProblemError(
                f"objective: it failed on samples of split {split.name!r}: {cause(error)}"
            ) from error
        return {}
    table = {}
    for name, value in values.items():
        parts: Any = zip(
            (name, f"the weight of {name}"), value if is_pair(value) else [value], strict=False
        )
        for label, part in parts:
            table[label] = wide(part.detach()).cpu().numpy()
    return table


def _changed(
    expected: Column, found: Column, bound: float, noise: float = 0.0
) -> NDArray[np.bool_]:
    """Tell which values differ by more than a fraction of their own and of all values' size.

    Args:
        expected: the values.
        found: other values of the same samples.
        bound: the fraction.
        noise: a difference that does not count.
    """
    with np.errstate(invalid="ignore", over="ignore"):
        size = np.abs(expected)
        finite = size[np.isfinite(size)]
        scale = finite.mean() if finite.size else 0.0
        slack = bound * np.maximum(np.nan_to_num(size), scale) + noise
        return ~np.isclose(found, expected, rtol=0, atol=slack, equal_nan=True)


def _largest_difference(one: Column, other: Column) -> float:
    """Return the largest difference between finite values."""
    finite = np.isfinite(one) & np.isfinite(other)
    return float(np.abs(one[finite] - other[finite]).max(initial=0.0))


def _text(sample: int, values: Column, others: Column, how: str) -> str:
    return f"sample {sample} is {values[sample]:.6g}, and {others[sample]:.6g} {how}"


def refuse_dependence(evaluator: Evaluator, batch_size: int | None) -> None:
    """Refuse values that depend on a micro-batch that the user did not choose.

    Batches of loaders and iterables are kept as they are, so only data sets of samples matter.

    Args:
        evaluator: with loaded data, whose splits know of their dependence.
        batch_size: the user's micro-batch; None without one.

    Raises:
        ProblemError: naming the first such value, and the remedy.
    """
    for split in evaluator.splits.values():
        if split.dependence is None or not split.divisible:
            continue
        if batch_size is None:
            raise ProblemError(
                f"objective: on split {split.name!r} its values depend on which samples share a "
                f"batch ({split.dependence}), so the micro-batch would decide them; is it a "
                "contrastive loss, batch norm without running statistics, or something that each "
                "forward pass changes? Give a DataLoader, whose batches are kept, or set batch_size"
            )
        if batch_size != evaluator.settings.micro_batch:
            raise too_large(split.name, batch_size)
