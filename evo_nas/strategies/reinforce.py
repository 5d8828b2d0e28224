"""REINFORCE and PPO: a controller learns to emit networks that score well.

Zoph and Le, "Neural Architecture Search with Reinforcement Learning", ICLR 2017. With the shared bank of weights it is
ENAS: Pham, Guan, Zoph, Le and Dean, "Efficient Neural Architecture Search via Parameters Sharing", ICML 2018.

The reward of a network is the share of the latest results that it beats. So the scale of the metric, its sign and its
outliers do not matter.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from statistics import fmean
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from evo_nas.randomness import derive_seed
from evo_nas.strategies.front import dominates, values_of
from evo_nas.strategies.strategy import Proposal, Strategy, StrategyOptions
from evo_nas.weights import BANK

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping, Sequence
    from typing import Self, Unpack

    from evo_nas.evaluation import Standing
    from evo_nas.genome.space import Genome, SearchSpace
    from evo_nas.strategies.controller import Choices
    from evo_nas.strategies.front import Values
    from evo_nas.strategies.strategy import Terms
    from evo_nas.strategies.trials import Trial

WINDOW = 100
"""Results that a new one is compared with: enough to tell places apart, few enough to forget the poor first ones."""
DRAWS, HEATING = 24, 1.25
"""Draws for one candidate. Each that was known makes the next ones hotter: where all favourites of a controller are
known, it looks around them. Without that it repeated itself after 500 evaluations of a landscape, and chance went on.
"""
LEARNING_RATES = {"reinforce": 0.03, "ppo": 0.01}
"""One step has to go as far as several."""
USUAL = 0.5
"""The reward of what beats half of the latest."""


class ReinforceOptions(StrategyOptions):
    """Options of REINFORCE.

    Attributes:
        algorithm: ``reinforce`` makes one step on each batch; ``ppo`` makes several, and clips what they change.
        batch: Results that the controller learns from at once.
        learning_rate: Of the controller, with Adam; 0.03, and 0.01 with ``ppo``, unless given.
        entropy: Weight of the entropy of its choices, which keeps it from repeating itself; 0 for none.
        baseline: Decay of the moving average of rewards, which rewards are compared with, at least 0 and below 1.
        width: Units of its LSTM.
        epochs: Steps on each batch, for ``ppo``.
        clip: How far a step may move the probability of a choice by its ratio, for ``ppo``.
        shared_epochs: Epochs of a training that begins with the bank; the best are trained from scratch for all epochs.
    """

    algorithm: Literal["reinforce", "ppo"] = "reinforce"
    batch: int = Field(default=10, ge=1)
    learning_rate: float | None = Field(default=None, gt=0.0, examples=[0.03])
    entropy: float = Field(default=0.01, ge=0.0)
    baseline: float = Field(default=0.9, ge=0.0, lt=1.0)
    width: int = Field(default=32, ge=1)
    epochs: int = Field(default=4, ge=1)
    clip: float = Field(default=0.2, gt=0.0)
    shared_epochs: int = Field(default=1, ge=1)

    def following(self, evaluations: int) -> Self:  # noqa: ARG002 - the contract's signature
        """Returns these options with the learning rate filled in."""
        return self.model_copy(update={"learning_rate": self.learning_rate or LEARNING_RATES[self.algorithm]})


class Reinforce(Strategy[ReinforceOptions]):
    """Lets a controller, an LSTM, emit networks gene by gene, and rewards it for those that score well.

    The founders come first, and it learns from them as from its own. What failed, or failed with another seed, has no
    reward. What a rung pruned stands below all that went further, so that its reward is small; it is learnt from again
    when it has gone on. With the bank it learns from trainings that began with shared weights alone.
    """

    kind: ClassVar[str] = "reinforce"
    Options = ReinforceOptions
    shares_weights: ClassVar[bool] = True

    def __init__(
        self, space: SearchSpace, options: ReinforceOptions | None = None, **terms: Unpack[Terms]
    ) -> None:
        super().__init__(space, options, **terms)
        from evo_nas.strategies.controller import Controller  # noqa: PLC0415 - it loads torch

        self._controller = Controller(space.genes, self._options, seed=derive_seed(self._seed, "controller"))
        self._latest: deque[Standing | Values] = deque(maxlen=WINDOW)
        self._expected = USUAL
        self._batch: list[tuple[Choices, float]] = []

    def statistics(self) -> Mapping[str, float]:
        """Returns the reward that is expected of a network, between 0 and 1."""
        return {"baseline": self._expected}

    def _propose(self, k: int, rng: random.Random) -> Proposal:
        founder = self._founder(k)
        if founder is not None:
            return self._shortened(founder)
        known = 0
        for _ in range(DRAWS):
            genome = self._emitted(rng, temperature=HEATING**known)
            emitted = Proposal(genome, parents=(), operator="controller", starts_from=self._shared_weights)
            if self._is_new(proposal := self._shortened(emitted)):
                return proposal
            known += self._space.is_feasible(genome)
        return self._by_chance(rng)

    def _by_chance(self, rng: random.Random) -> Proposal:
        return self._shortened(super()._by_chance(rng))

    def _shortened(self, proposal: Proposal) -> Proposal:
        """Returns a proposal whose training is short if it begins with the bank, which has most of it behind it."""
        if proposal.starts_from != BANK:
            return proposal
        return replace(proposal, epochs=min(self._options.shared_epochs, self._epochs))

    def _emitted(self, rng: random.Random, *, temperature: float) -> Genome:
        choose, genes = self._controller.emission(rng, temperature=temperature).choose, self._space.genes
        return self._space.spell(
            lambda position: genes[position].default if position in self._frozen else choose(position)
        )

    def _learn(self, trials: Sequence[Trial]) -> None:
        for trial in trials:
            choices = self._choices_of(trial.candidate.genome)
            if self._counts(trial) and choices:
                reward = self._reward(trial)
                # Compared with what was expected before it, so that its own luck is no part of the baseline.
                self._batch.append((choices, reward - self._expected))
                decay = self._options.baseline
                self._expected = decay * self._expected + (1 - decay) * reward
            if len(self._batch) == self._options.batch:
                self._controller.learn(self._batch)
                self._batch = []

    def _counts(self, trial: Trial) -> bool:
        """Whether a trial began as those that it would be compared with."""
        standing, has_bank = trial.standing, bool(self._shared_weights)
        if standing is None:
            return bool(trial.candidate.starts_from) == has_bank
        return standing.is_inherited == has_bank

    def _choices_of(self, genome: Genome) -> Choices:
        """Returns the choices by which the controller would emit ``genome``."""
        choices: list[tuple[int, int]] = []

        def choose(position: int) -> int:
            if position not in self._frozen:
                choices.append((position, genome[position]))
            return genome[position]

        self._space.spell(choose)
        return choices

    def _reward(self, trial: Trial) -> float:
        """Returns the share of the latest results that a trial beats; those that it cannot be told from count half."""
        mark = values_of(trial, self.objectives) if len(self.objectives) > 1 else trial.standing
        if mark is None or trial.is_unstable:
            return 0.0
        won = [_won(mark, other) for other in self._latest]
        self._latest.append(mark)
        return fmean(won) if won else USUAL


def _won(mark: Standing | Values, other: Standing | Values) -> float:
    """Returns 1 if the first is better, 0 if the second is, and 1/2 otherwise."""
    if isinstance(mark, tuple):
        assert isinstance(other, tuple), "a run has as many objectives throughout"
        better, worse = dominates(mark, other), dominates(other, mark)
    else:
        assert not isinstance(other, tuple), "a run has as many objectives throughout"
        better, worse = mark > other, mark < other
    return USUAL + (better - worse) / 2
