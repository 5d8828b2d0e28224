"""Where a training begins and may end, and what comes out of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from evo_nas.evaluation import Outcome
    from evo_nas.models.network import Network


@dataclass(frozen=True, slots=True)
class Course:
    """Where a training begins, and where it may end before its last epoch.

    Attributes:
        thresholds: For each rung, in epochs, the fitness below which the training is pruned there. The fitness is the
            best of all epochs so far, as that of a complete training is.
        checkpoint: What the training goes on from; one of another training, or that is damaged, is not used. None to
            begin with the first epoch.
        inherit: Sets weights of the new network and returns the optimizer steps behind them; None to train from
            scratch. A training that goes on has inherited before, if at all.
        watch: Is told after each epoch how many there were, and the best fitness so far.
    """

    thresholds: Mapping[int, float] = field(default_factory=dict)
    checkpoint: bytes | None = None
    inherit: Callable[[Network], int] | None = None
    watch: Callable[[int, float], None] | None = None


@dataclass(frozen=True, slots=True)
class Trained:
    """What came out of a training.

    Attributes:
        outcome: Its outcome.
        network: The network with the weights that were best on the validation part; None without a score.
        checkpoint: What the training can go on from, if it was pruned.
    """

    outcome: Outcome
    network: Network | None
    checkpoint: bytes | None = None
