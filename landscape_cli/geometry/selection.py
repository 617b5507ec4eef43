"""The choice of parameters by patterns of their names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import BaseModel, ConfigDict, PrivateAttr, field_validator
from torch import Tensor

from landscape_cli.errors import UsageError, some
from landscape_cli.geometry.parameters import FlatParameters
from landscape_cli.geometry.roles import WORDS

if TYPE_CHECKING:
    from typing_extensions import Self


class Selection(BaseModel):
    """Parameters that match ``include`` and not ``exclude``.

    Attributes:
        include: glob patterns such as ``layer1.*``; only parameters that match one of them are
            chosen, or all if left out. The words of ``geometry.roles.WORDS``, such as ``trainable``
            or ``embeddings``, stand for the parameters of that role, unless a parameter has just
            that name. Tied parameters match under any name.
        exclude: glob patterns of parameters that are left out.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    purpose: ClassVar[str] = "move"
    """The purpose of the choice, for messages."""

    include: list[str] | None = None
    exclude: list[str] | None = None

    _aliases: Mapping[str, Sequence[str]] = PrivateAttr(default_factory=dict)
    _roles: Mapping[str, frozenset[str]] = PrivateAttr(default_factory=dict)

    @field_validator("include", "exclude", mode="before")
    @classmethod
    def _one_or_more(cls, value: Any) -> Any:
        """Turn a single pattern into a list."""
        return [value] if isinstance(value, str) else value

    def among(self, parameters: FlatParameters) -> Self:
        """Return a copy with the knowledge of a network's parameters.

        Args:
            parameters: of the model, with their other names, trainable or frozen.
        """
        copy = self.model_copy()
        copy._aliases = parameters.aliases
        names = {*parameters.views, *(one for each in copy._aliases.values() for one in each)}
        copy._roles = {word: who for word, who in parameters.roles.items() if word not in names}
        return copy

    @property
    def roles(self) -> dict[str, frozenset[str]]:
        """The parameters that words of include and exclude stand for."""
        patterns = [*(self.include or ()), *(self.exclude or ())]
        return {one: self._roles[one] for one in patterns if one in self._roles}

    def selects(self, name: str) -> bool:
        """Return True if include and exclude leave a parameter in."""
        included = self.include is None or any(self._match(name, one) for one in self.include)
        return included and not any(self._match(name, one) for one in self.exclude or ())

    def _match(self, name: str, pattern: str) -> bool:
        """Return True if a pattern matches a parameter under one of its names."""
        names = (name, *self._aliases.get(name, ()))
        if pattern in self._roles:
            return name in self._roles[pattern]
        return any(each == pattern or fnmatchcase(each, pattern) for each in names)

    def prepare(self, key: str, parameters: Mapping[str, Tensor]) -> None:
        """Refuse parameters from which nothing can be chosen.

        Args:
            key: the section's place in a configuration, such as "directions.x".
            parameters: the tensors to choose from.

        Raises:
            UsageError: if a pattern matches no parameter, or no parameter is left.
        """
        for setting, patterns in (("include", self.include), ("exclude", self.exclude)):
            for pattern in patterns or ():
                if not any(self._match(name, pattern) for name in parameters):
                    if pattern in self._roles:
                        raise UsageError(
                            f"{key}.{setting}: {pattern} stands for {WORDS[pattern]}, of which "
                            f"there are none; the parameters are {some(list(parameters))}"
                        )
                    raise UsageError(
                        f"{key}.{setting}: {pattern!r} matches none of the {len(parameters)} "
                        f"parameters, which are {some(list(parameters))}"
                    )
        if not any(self.selects(name) for name in parameters):
            raise UsageError(f"{key}: include and exclude leave no parameter to {self.purpose}")
