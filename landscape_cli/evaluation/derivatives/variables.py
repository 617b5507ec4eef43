"""The parameters that derivatives are taken by, as the entries of one real vector."""

from __future__ import annotations

import fnmatch
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from landscape_cli.errors import ProblemError, UsageError, some
from landscape_cli.evaluation.derivatives.differentiation import requiring_gradients
from landscape_cli.geometry.parameters import FlatParameters
from landscape_cli.util.accelerators import wide, wide_device
from landscape_cli.util.tensors import as_real

REMEDY = "derivatives need float32 or float64: load the network in one of them"


@dataclass(frozen=True)
class _Leaf:
    """A parameter of the model, and the range of the vector that it stands for."""

    parameter: nn.Parameter
    start: int
    shape: torch.Size

    @property
    def stop(self) -> int:
        return self.start + self.shape.numel()


class Variables:
    """Parameters of a model as the entries of one real vector, of length P.

    Entries are in the order of ``FlatParameters.views``. A complex parameter stands for its real
    and imaginary parts (``as_real``). Parameters that share memory under several names are the same
    entries, whose derivatives are added. Frozen and unused parameters count like all others.

    Args:
        model: the network.
        parameters: the model's own, from ``FlatParameters.of_model``.
        names: of the parameters to differentiate by; all that are no buffers if None.

    Attributes:
        names: of the parameters.
        shapes: the shapes of their real tensors, by name.
        size: the number of entries P.
        dtype: float64 if any parameter is, else float32: the precision of derivatives.
        device: where vectors lie: that of the model's first parameter, or the host if that has no
            float64.

    Raises:
        ProblemError: if a parameter has less than float32, or shares part of another one's memory.

    Example:
        >>> model = nn.Linear(2, 1)
        >>> variables = Variables(model, FlatParameters.of_model(model, "cpu"), ["weight"])
        >>> variables.size, variables.shapes
        (2, {'weight': torch.Size([1, 2])})
    """

    def __init__(
        self, model: nn.Module, parameters: FlatParameters, names: Collection[str] | None = None
    ) -> None:
        own = dict(model.named_parameters(remove_duplicate=False))
        chosen = own if names is None else names
        self.names = tuple(name for name in parameters.views if name in chosen and name in own)
        self._refuse(parameters)
        views = {name: parameters.views[name] for name in self.names}
        self.shapes: Mapping[str, torch.Size] = {name: view.shape for name, view in views.items()}
        self._starts: dict[str, int] = {}
        self._leaves: list[_Leaf] = []
        start = 0
        for name, shape in self.shapes.items():
            self._starts[name] = start
            tied = (own[each] for each in (name, *parameters.aliases.get(name, ())))
            for parameter in {id(each): each for each in tied}.values():
                self._leaves.append(_Leaf(parameter, start, shape))
            start += shape.numel()
        self.size = start
        double = any(view.dtype == torch.float64 for view in views.values())
        self.dtype = torch.float64 if double else torch.float32
        self.device = wide_device(parameters.device)

    def _refuse(self, parameters: FlatParameters) -> None:
        narrow = [name for name in self.names if parameters.views[name].dtype.itemsize < 4]
        if narrow:
            dtype = str(parameters.views[narrow[0]].dtype).removeprefix("torch.")
            raise ProblemError(f"Problem.model: {some(narrow)} is {dtype}; {REMEDY}")
        if parameters.parts:
            raise ProblemError(
                f"Problem.model: {some(list(parameters.parts))} shares the memory of another "
                "parameter, so that derivatives would be incomplete; tie parameters as one object"
            )

    @property
    def leaves(self) -> list[nn.Parameter]:
        """The model's parameters, those that share memory one by one."""
        return [leaf.parameter for leaf in self._leaves]

    @contextmanager
    def recorded(self) -> Iterator[None]:
        """Let autograd record operations on the parameters within a block."""
        with requiring_gradients(self.leaves), torch.enable_grad():
            yield

    def vector(self, tensors: Sequence[Tensor | None]) -> Tensor:
        """Collect derivatives by each of the leaves; None counts as zero.

        Args:
            tensors: one for each of ``leaves``; complex ones are derivatives by the real part plus
                i times those by the imaginary part, as autograd has them.

        Returns:
            float64, shape (P,).
        """
        out = torch.zeros(self.size, dtype=torch.float64, device=self.device)
        for leaf, tensor in zip(self._leaves, tensors, strict=True):
            if tensor is not None:
                dense = tensor.to_dense() if tensor.is_sparse else tensor
                entries = wide(as_real(dense.detach())).reshape(-1)
                out[leaf.start : leaf.stop] += entries.to(self.device)
        return out

    def tensors(self, vector: Tensor) -> list[Tensor]:
        """Split a vector of shape (P,) into a real tensor for each of the leaves, in its dtype."""
        return [
            vector[leaf.start : leaf.stop].to(as_real(leaf.parameter.detach())).view(leaf.shape)
            for leaf in self._leaves
        ]

    def named(self, vector: Tensor) -> dict[str, Tensor]:
        """Split a vector of shape (P,) into views by parameter name, in the real shapes."""
        return {
            name: vector[start : start + self.shapes[name].numel()].view(self.shapes[name])
            for name, start in self._starts.items()
        }

    def joined(self, tensors: Mapping[str, Tensor]) -> Tensor:
        """Join real tensors by parameter name into one vector, float64, shape (P,)."""
        parts = [wide(tensors[name]).reshape(-1).to(self.device) for name in self.names]
        return torch.cat(parts) if parts else torch.zeros(0, dtype=torch.float64)


def inner(tensors: Iterable[Tensor | None], others: Iterable[Tensor]) -> Tensor | None:
    """Return the real inner product of two lists of tensors, which autograd can differentiate.

    Args:
        tensors: derivatives; None counts as zero, and so does one that depends on nothing.
        others: real tensors, in the shapes of the first ones' ``as_real``.

    Returns:
        A scalar; None if no part depends on the parameters.
    """
    products = [
        (as_real(one) * other).sum()
        for one, other in zip(tensors, others, strict=True)
        if one is not None and one.requires_grad
    ]
    if not products:
        return None
    return torch.stack([product.to(products[0]) for product in products]).sum()


def choose_names(
    parameters: FlatParameters,
    kind: str = "all",
    patterns: Sequence[str] = (),
    key: str = "parameters",
) -> list[str]:
    """Choose the parameters to differentiate by.

    Args:
        parameters: the model's own.
        kind: ``all``, or ``weights``: those of more than one dimension, as Li et al. 2018 take.
        patterns: names with ``*`` and ``?``, of which a parameter must match one; any if empty. A
            pattern also matches whatever lies below the module of that name.
        key: the setting's name, for messages.

    Raises:
        UsageError: if a pattern matches no parameter, or none is left.
    """
    known = [name for name in parameters.views if name in parameters.trainable | parameters.frozen]
    for pattern in patterns:
        if not any(matches(name, pattern) for name in known):
            raise UsageError(
                f"{key}: {pattern!r} matches none of the {len(known)} parameters, which are "
                f"{some(known)}"
            )
    chosen = [
        name
        for name in known
        if (kind == "all" or len(parameters.shape(name)) > 1)
        and (not patterns or any(matches(name, pattern) for pattern in patterns))
    ]
    if not chosen:
        raise UsageError(f"{key}: {kind} leaves none of the parameters, which are {some(known)}")
    return chosen


def matches(name: str, pattern: str) -> bool:
    """Tell whether a parameter, or a module that it belongs to, has a name of a pattern."""
    return fnmatch.fnmatchcase(name, pattern) or fnmatch.fnmatchcase(name, f"{pattern}.*")
