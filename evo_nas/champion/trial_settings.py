"""The settings that are tried for every contestant alike, so that none owes its place to better tuning."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from evo_nas.champion.opponents import RANDOM, TO_BEAT
from evo_nas.genome.architecture import MAX_WIDTH

if TYPE_CHECKING:
    from evo_nas.config import VerdictOptions
    from evo_nas.genome.architecture import Architecture

LONGEST = 3.0
"""Most epochs of a trial, as a multiple of those of the search."""


@dataclass(frozen=True, slots=True)
class TrialSetting:
    """How a trial differs from the training in the search.

    Attributes:
        name: What differs, in words.
        learning_rate: Factor of the learning rate.
        length: Factor of the epochs.
        width: Factor of the widths, as far as the space permits.
        dropout: Rate before the outputs and between layers; None for the rates of the search.
        weight_decay: Decoupled decay; None for that of the search.
    """

    name: str
    learning_rate: float = 1.0
    length: float = 1.0
    width: float = 1.0
    dropout: float | None = None
    weight_decay: float | None = None

    def applied(self, architecture: Architecture, *, widest: int) -> Architecture:
        """Returns ``architecture`` with this setting.

        Args:
            architecture: The architecture as the search had it.
            widest: Largest width of a layer that the space permits.
        """
        training = architecture.training
        training = replace(
            training,
            learning_rate=self.learning_rate * training.learning_rate,
            weight_decay=training.weight_decay if self.weight_decay is None else self.weight_decay,
        )
        wider = _widened(architecture, self.width, widest=widest)
        if self.dropout is not None:
            wider = _with_dropout(wider, self.dropout)
        return replace(wider, training=training)

    def epochs(self, searched: int) -> int:
        """Returns the epochs of a training, where those of the search had ``searched``."""
        return max(1, round(self.length * searched))


# By what is known to matter most for recurrent networks: the learning rate first, then regularisation and length, which
# go together, then size (Greff et al., 2017; Melis et al., 2018).
SETTINGS = (
    TrialSetting("as in the search"),
    TrialSetting("half the learning rate", learning_rate=0.5),
    TrialSetting("twice the learning rate", learning_rate=2.0),
    TrialSetting("twice as long at half the learning rate", learning_rate=0.5, length=2.0),
    TrialSetting("twice as long with a dropout of 0.2", length=2.0, dropout=0.2),
    TrialSetting("twice as wide", width=2.0),
    TrialSetting("twice as long with a weight decay of 0.01", length=2.0, weight_decay=0.01),
    TrialSetting(
        "twice as wide and long with a dropout of 0.3 and a weight decay of 0.01",
        length=2.0,
        width=2.0,
        dropout=0.3,
        weight_decay=0.01,
    ),
    TrialSetting("three times as long at a quarter of the learning rate", learning_rate=0.25, length=LONGEST),
    TrialSetting("without dropout and weight decay", dropout=0.0, weight_decay=0.0),
    TrialSetting(
        "as wide as the space permits and three times as long, at half the learning rate with a dropout of 0.5",
        learning_rate=0.5,
        length=LONGEST,
        width=float(MAX_WIDTH),
        dropout=0.5,
    ),
    TrialSetting("four times the learning rate", learning_rate=4.0),
)
"""What is tried, in this order: a contest with few trials takes the first ones."""


def cost_of(options: VerdictOptions, *, at_once: int = 1) -> float:
    """Returns how many full trainings of the search a contest takes, without seeds beyond the first ones.

    Args:
        options: How much is trained.
        at_once: Trainings at the same time; what is returned are then those one after another.
    """
    contestants = 1 + len(options.opponents)
    tried = [each.length for each in SETTINGS[: options.trials]] * contestants
    judged = judging_trainings(options, around_cells=False)
    # The first seed is that of the trials. How long the others train is not known before the trials.
    stages = (
        [1.0] * judged,
        [1.0] * (judging_trainings(options) - judged),
        tried,
        [1.0] * (contestants * (options.seeds - 1)),
    )
    # A stage begins when the one before has ended, and takes as long as its longest training at least.
    return sum(max(sum(stage) / at_once, *stage) for stage in stages if stage)


def judging_trainings(options: VerdictOptions, *, around_cells: bool = True) -> int:
    """Returns the most trainings that judge finalists on other cuts; a single finalist is not judged.

    Args:
        options: How much is trained.
        around_cells: Whether those count that train the best also around the cells that it has to beat.
    """
    if options.finalists < 2:
        return 0
    searches = 1 + (RANDOM in options.opponents)
    return (searches * options.finalists + around_cells * len(TO_BEAT)) * options.cuts


def _widened(architecture: Architecture, factor: float, *, widest: int) -> Architecture:
    """Returns ``architecture`` with widths multiplied by ``factor``, or by less where the widest layer would pass."""
    most = widest / max(layer.width for layer in architecture.layers)
    scale = max(1.0, min(factor, most))
    layers = tuple(replace(layer, width=int(scale * layer.width)) for layer in architecture.layers)
    return replace(architecture, layers=layers)


def _with_dropout(architecture: Architecture, rate: float) -> Architecture:
    # Not on the inputs: where they are few numbers, such as one value a step, zeroing some leaves nothing to read.
    first, *others = architecture.layers
    layers = (first, *(replace(layer, dropout=rate) for layer in others))
    return replace(architecture, layers=layers, head=replace(architecture.head, dropout=rate))
