"""`RegularisationTuning`: what rungs cannot judge is tuned at the full budget, on networks that proved good there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evo_nas.strategies.proposal import Proposal
from evo_nas.strategies.pruning import resolve_rungs
from evo_nas.strategies.revisits import Revisit
from evo_nas.strategies.trials import BestTrials

if TYPE_CHECKING:
    import random

    from evo_nas.config import FitnessOptions
    from evo_nas.evaluation import Candidate
    from evo_nas.genome.space import Genome, SearchSpace
    from evo_nas.strategies.trials import Trial

REGULARISATION = "regularisation"
"""Operator of a child that differs from its parent in regularisation alone."""
SHARE = 0.1
"""Share of the candidates that tune regularisation, once there are complete ones."""
PARENTS = 5
"""The best so many complete trials are tuned; several, since the best may be lucky."""


def frozen_genes(space: SearchSpace, fitness: FitnessOptions, epochs: int) -> frozenset[int]:
    """Returns the positions of the genes that keep their default in every candidate that may be pruned.

    What a training to the first rung cannot show must not decide there.
    """
    rungs, genes = resolve_rungs(fitness, epochs), space.regularisation_genes
    return genes if rungs and genes and not space.can_judge_regularisation(min(rungs)) else frozenset()


class RegularisationTuning(Revisit):
    """Proposes children of the best complete trials in which a gene that regularises differs, trained to the end.

    Args:
        space: The search space.
    """

    def __init__(self, space: SearchSpace) -> None:
        self._space = space
        self._parents = BestTrials(
            PARENTS, lambda trial: trial.is_complete and not trial.outcome.inherited_steps
        )
        self._tuned = 0

    def asked(self, candidate: Candidate) -> None:
        """Counts the children."""
        self._tuned += candidate.operator == REGULARISATION

    def learn(self, trial: Trial) -> None:
        """Keeps the best complete trials."""
        self._parents.learn(trial)

    def propose(self, k: int, rng: random.Random) -> Proposal | None:
        """Returns a child with another regularisation, within the share."""
        if not self._parents.ranking or self._tuned + 1 > SHARE * (k + 1):
            return None
        parent = rng.choice(self._parents.ranking).candidate
        return Proposal(
            self._changed(parent.genome, rng),
            parents=(parent.id,),
            operator=REGULARISATION,
            epochs=parent.budget,
            is_prunable=False,
        )

    def _changed(self, genome: Genome, rng: random.Random) -> Genome:
        active = sorted(self._space.regularisation_genes.intersection(self._space.active_genes(genome)))
        if not active:
            return genome
        position = rng.choice(active)
        gene, value = self._space.genes[position], genome[position]
        # These genes are ordered, and all have few choices: a step to a neighbour reaches every one soon.
        near = [choice for choice in (value - 1, value + 1) if 0 <= choice < gene.size]
        child = list(genome)
        child[position] = rng.choice(near)
        return tuple(child)
