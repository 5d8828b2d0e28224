"""The batches of a training, epoch by epoch, and the place in the data that a continued training goes on from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import torch
    from torch import Tensor

    from evo_nas.training.batches import Batch, Split


@dataclass(frozen=True, slots=True)
class Place:
    """A place within a pass over the data.

    Attributes:
        drawn_from: State of the generator, uint8 ``(bytes,)``, from which the order of the pass was drawn.
        taken: Batches of the pass that were taken.
    """

    drawn_from: Tensor
    taken: int


class Passes:
    """Gives the batches of one epoch after another.

    An epoch is a pass over the split, or so many steps, which go on through the data where the epoch before ended.

    Args:
        split: The data.
        batch_size: Sequences of a batch.
        generator: Decides the order, on the CPU.
        steps: Steps of an epoch; None for passes.
        restart: Called when a pass begins.
    """

    def __init__(
        self,
        split: Split,
        batch_size: int,
        *,
        generator: torch.Generator,
        steps: int | None = None,
        restart: Callable[[], object] = lambda: None,
    ) -> None:
        self._split = split
        self._batch_size = batch_size
        self._generator = generator
        self._steps = steps
        self._restart = restart
        self._batches: Iterator[Batch] = iter(())
        self._place: Place | None = None

    @property
    def place(self) -> Place | None:
        """Where the next epoch goes on; None if it begins a pass."""
        return None if self._steps is None else self._place

    def epoch(self) -> Iterator[tuple[Batch, float]]:
        """Yields the batches of an epoch, each with the share of the epoch that is done before it."""
        return self._pass() if self._steps is None else self._stretch(self._steps)

    def go_on(self, place: Place) -> None:
        """Lets the next epoch begin at ``place``; the generator is left elsewhere, and has to be set afterwards."""
        self._generator.set_state(place.drawn_from)
        self._batches = self._split.shuffled(self._batch_size, self._generator)
        # Batches are taken and dropped, since all draws of a pass are made before its first one.
        for _ in range(place.taken):
            next(self._batches)
        self._place = place

    def _pass(self) -> Iterator[tuple[Batch, float]]:
        split, done = self._split, 0
        self._restart()
        for batch in split.shuffled(self._batch_size, self._generator):
            yield batch, done / len(split)
            # A stream's batches differ in steps, too, so its progress is counted in tokens.
            done += batch.inputs.shape[:2].numel() if split.is_stream else len(batch.inputs)

    def _stretch(self, steps: int) -> Iterator[tuple[Batch, float]]:
        for number in range(steps):
            yield self._next(), number / steps

    def _next(self) -> Batch:
        batch = next(self._batches, None)
        if batch is None:
            self._place = Place(self._generator.get_state(), 0)
            self._restart()
            self._batches = self._split.shuffled(self._batch_size, self._generator)
            batch = next(self._batches, None)
            assert batch is not None, "a split without batches"
        assert self._place is not None
        self._place = Place(self._place.drawn_from, self._place.taken + 1)
        return batch
