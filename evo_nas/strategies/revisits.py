"""`Revisit`: a reason to train an architecture again, such as to confirm a top score."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from collections.abc import Set

    from evo_nas.evaluation import Candidate
    from evo_nas.strategies.proposal import Proposal
    from evo_nas.strategies.trials import Trial


class Revisit(ABC):
    """Chooses what is trained again; a strategy asks it before it proposes something new.

    Its state is a function of what it was shown, in order, as that of a strategy.
    """

    def asked(self, candidate: Candidate) -> None:
        """Takes in a candidate that was asked; those of a resumed run come before anything is told."""

    def learn(self, trial: Trial) -> None:
        """Takes in a trial that has got another evaluation, the last of ``trial.evaluations``."""

    def awaits(self, trial: Trial) -> bool:  # noqa: ARG002 - the contract's signature
        """Whether a training of it is awaited before it may be believed; then the strategy does not learn of it yet."""
        return False

    def wanted_weights(self) -> Set[str]:
        """Returns the digests of kept weights that something it may propose later begins with."""
        return frozenset()

    @abstractmethod
    def propose(self, k: int, rng: random.Random) -> Proposal | None:
        """Returns what candidate ``k`` should train again; None if there is nothing to do now."""
