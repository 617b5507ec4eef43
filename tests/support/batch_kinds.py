"""Batches of all kinds, around inputs x and targets y, for the tests of data."""

import collections
import dataclasses
import types
from typing import Any, NamedTuple

import torch


class BatchEncoding(collections.UserDict):
    """A mapping as transformers': no dict, with a constructor of its own and ``to()``."""

    def __init__(self, data=None, encodings=None):
        super().__init__(data)

    def to(self, device):
        raise AssertionError("its items are moved one by one")


class Attributes(dict):
    """A dict whose items are its attributes too."""

    def __init__(self, *, x, y):
        super().__init__(x=x, y=y)
        self.__dict__ = self


@dataclasses.dataclass(frozen=True)
class Frozen:
    x: torch.Tensor
    y: torch.Tensor


class Slots:
    __slots__ = ("__y", "x")

    def __init__(self, x, y):
        self.x, self.__y = x, y

    @property
    def y(self):
        return self.__y


class Placed(collections.abc.MutableMapping):
    """A mapping as tensordict's: it keeps its tensors on its own device, and moves as a whole."""

    def __init__(self, x, y):
        self.device, self.kept = x.device, {"x": x, "y": y}

    def __getitem__(self, key):
        return self.kept[key]

    def __setitem__(self, key, tensor):
        assert tensor.device == self.device
        self.kept[key] = tensor

    def __delitem__(self, key):
        del self.kept[key]

    def __iter__(self):
        return iter(self.kept)

    def __len__(self):
        return len(self.kept)

    def __bool__(self):
        raise RuntimeError("not permitted")

    def to(self, device):
        return Placed(*(tensor.to(device) for tensor in self.kept.values()))

    def clone(self):
        return Placed(*(tensor.clone() for tensor in self.kept.values()))


class Graph:
    """A graph as torch_geometric's: attributes in a store that knows its graph, and ``to()``."""

    def __init__(self, x, y):
        self.store = {"x": x, "y": y, "edge_index": torch.tensor([[0, 0], [1, 2]])}
        self.itself = self

    x = property(lambda self: self.store["x"])
    y = property(lambda self: self.store["y"])

    def to(self, device):
        self.store = {name: tensor.to(device) for name, tensor in self.store.items()}
        return self


class Hidden:
    """An object whose tensors only ``to_dict()`` and ``to()`` know."""

    def __init__(self, x, y):
        self.to_dict_of = lambda: {"x": x, "y": y}

    x = property(lambda self: self.to_dict()["x"])
    y = property(lambda self: self.to_dict()["y"])

    def to_dict(self):
        return self.to_dict_of()

    def to(self, device):
        return Hidden(self.x.to(device), self.y.to(device))


class Pair(NamedTuple):
    x: torch.Tensor
    y: torch.Tensor


class Strange(Pair):
    """A named tuple whose constructor takes something else."""

    def __new__(cls, pair):
        return super().__new__(cls, *pair)


def default(x, y):
    found: Any = collections.defaultdict(list)
    found["x"], found["y"] = x, y
    return found


def attrs_class(x, y):
    import attr

    return attr.make_class("Attrs", ["x", "y"], slots=True, frozen=True)(x, y)


CONTAINERS = {
    "dict": lambda x, y: {"x": x, "y": y},
    "tuple": lambda x, y: (x, y),
    "named tuple": Pair,
    "named tuple with a constructor": lambda x, y: Strange((x, y)),
    "defaultdict": default,
    "OrderedDict": lambda x, y: collections.OrderedDict(x=x, y=y),
    "UserDict": lambda x, y: BatchEncoding({"x": x, "y": y}),
    "attribute dict": lambda x, y: Attributes(x=x, y=y),
    "placed mapping": Placed,
    "mapping proxy": lambda x, y: types.MappingProxyType({"x": x, "y": y}),
    "nested": lambda x, y: ({"x": [x]}, (y, "word", None)),
}

OBJECTS = {
    "dataclass": Frozen,
    "slots": Slots,
    "graph": Graph,
    "hidden": Hidden,
    "namespace": lambda x, y: types.SimpleNamespace(x=x, y=y),
    "attrs": attrs_class,
    "object in a dict": lambda x, y: {"inner": Frozen(x, y)},
}

KINDS = CONTAINERS | OBJECTS


def xy(batch):
    """Return the inputs and the targets of a batch of any kind."""
    if isinstance(batch, collections.abc.Mapping) and "inner" in batch:
        return xy(batch["inner"])
    if isinstance(batch, collections.abc.Mapping):
        return batch["x"], batch["y"]
    if hasattr(batch, "x"):
        return batch.x, batch.y
    if isinstance(batch[0], dict):
        return batch[0]["x"][0], batch[1][0]
    return batch
