"""`FromScratch`: trains the best of those that inherited weights from scratch, so that they can be ranked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evo_nas.strategies.proposal import Proposal
from evo_nas.strategies.revisits import Revisit
from evo_nas.strategies.trials import BestTrials, standing_of

if TYPE_CHECKING:
    import random

    from evo_nas.evaluation import Candidate
    from evo_nas.strategies.trials import Trial

FROM_SCRATCH = "from_scratch"
"""Operator of a training from scratch of a network that was bred with inherited weights."""
SHARE = 0.1
"""Share of the candidates that are trained from scratch: the archive and the champion come from these and founders."""
BEST = 16
"""Trials that are kept as the best; more than are asked before the next ones are told."""


class FromScratch(Revisit):
    """Asks for a training from scratch of the best inherited trial that has none, within a share.

    It makes a trial of its own, since nothing ranks it with what inherited, and goes through all epochs of the
    configuration, also where inherited trainings are shorter.
    """

    def __init__(self) -> None:
        self._best = BestTrials(BEST, lambda trial: trial.is_complete and standing_of(trial).is_inherited)
        self._asked: set[int] = set()

    def asked(self, candidate: Candidate) -> None:
        """Counts a training from scratch."""
        if candidate.operator == FROM_SCRATCH and candidate.repeats is not None:
            self._asked.add(candidate.repeats)

    def learn(self, trial: Trial) -> None:
        """Keeps the best complete trials that inherited."""
        self._best.learn(trial)

    def propose(self, k: int, rng: random.Random) -> Proposal | None:  # noqa: ARG002 - the contract's signature
        """Returns the best inherited trial that was not trained from scratch yet."""
        if len(self._asked) + 1 > SHARE * (k + 1):
            return None
        chosen = next((each for each in self._best.ranking if each.candidate.id not in self._asked), None)
        if chosen is None:
            return None
        candidate = chosen.candidate
        return Proposal(
            candidate.genome,
            parents=(candidate.id,),
            operator=FROM_SCRATCH,
            is_prunable=False,
            repeats=candidate.id,
            cut=candidate.cut,
        )
