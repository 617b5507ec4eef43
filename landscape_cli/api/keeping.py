"""Recording at an interval of steps or epochs of a training loop that counts them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from landscape_cli.api.recording import close, record
from landscape_cli.errors import UsageError

if TYPE_CHECKING:
    from torch import nn

INTERVAL = re.compile(r"([1-9][0-9]{0,11}) ?(steps?|epochs?)")


@dataclass(frozen=True)
class Interval:
    """A number of steps or epochs.

    Args:
        count: the number.
        epochs: True for epochs.

    Example:
        >>> Interval.parse("10steps").steps(469), Interval.parse("2epochs").steps(469)
        (10, 938)
    """

    count: int
    epochs: bool

    @classmethod
    def parse(cls, text: str, option: str = "--keep-every") -> Interval:
        """Read ``10steps`` or ``1epoch``.

        Raises:
            UsageError: naming the option, for anything else.
        """
        if (match := INTERVAL.fullmatch(text.strip())) is None:
            raise UsageError(f"{option} {text}: expected steps or epochs, such as 10steps, 1epoch")
        return cls(int(match[1]), match[2].startswith("epoch"))

    def steps(self, per_epoch: int) -> int:
        """Return the number of steps, given those of an epoch."""
        return self.count * per_epoch if self.epochs else self.count


class Keeper:
    """Counts the steps of a training run and records them at an interval; the first is step 0.

    An earlier recording in the folder is replaced.

    Args:
        folder: the recording.
        interval: how often to record.
        per_epoch: number of steps of an epoch.
        dtype: of floating-point parameters, as for ``record``.
    """

    def __init__(
        self, folder: str, interval: Interval, per_epoch: int, dtype: Literal["fp16", "fp32"]
    ) -> None:
        self.folder, self._dtype = folder, dtype
        self._every, self._per_epoch = interval.steps(per_epoch), per_epoch
        self._step = 0

    def begin(self, model: nn.Module) -> None:
        """Record the network before its first step."""
        close(self.folder)
        self._record(model)

    def after_step(self, model: nn.Module, lr: float, loss: Any) -> None:
        """Count a step, and record the network if it is its turn.

        Args:
            model: the network after the step.
            lr: the learning rate of the step.
            loss: the loss whose gradient the step followed, a number or a tensor with one.
        """
        self._step += 1
        if self._step % self._every == 0:
            self._record(model, lr=lr, loss=loss)

    def _record(self, model: nn.Module, **facts: Any) -> None:
        epoch = self._step / self._per_epoch
        record(model, self.folder, self._step, epoch=epoch, dtype=self._dtype, resume=True, **facts)
