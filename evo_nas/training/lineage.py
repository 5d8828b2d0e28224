"""`Lineage`: what the trainings of a worker begin with, and what they leave for later ones."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from evo_nas.errors import EvoNasError
from evo_nas.training.course import Course
from evo_nas.training.inheritance import (
    ancestor_bytes,
    give_to_bank,
    inherit_from_bank,
    inherit_from_parent,
)
from evo_nas.weights import BANK

if TYPE_CHECKING:
    from evo_nas.evaluation import Candidate, Outcome
    from evo_nas.training.course import Trained
    from evo_nas.weights import ComponentBank, WeightStore

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Lineage:
    """Connects trainings of a run by their weights.

    Attributes:
        weights: Where pruned trainings leave what they can go on from, and parents their weights; None to keep nothing.
        bank: The components that all trainings share; None without a bank.
        keeps_parents: Whether complete trainings leave their weights for children.
    """

    weights: WeightStore | None = None
    bank: ComponentBank | None = None
    keeps_parents: bool = False

    def course(self, candidate: Candidate) -> Course:
        """Returns where the training of ``candidate`` begins, and where it may end."""
        # A rung whose threshold was not known when the candidate was asked prunes nothing.
        thresholds = dict(zip(candidate.rungs, candidate.thresholds, strict=False))
        if not candidate.starts_from:
            return Course(thresholds)
        if candidate.starts_from == BANK:
            return Course(
                thresholds, inherit=None if self.bank is None else partial(inherit_from_bank, self.bank)
            )
        content = kept_weights(self.weights, candidate.starts_from)
        if candidate.continues is not None:
            return Course(thresholds, checkpoint=content)
        return Course(thresholds, inherit=partial(inherit_from_parent, content))

    def kept(self, candidate: Candidate, trained: Trained) -> Outcome:
        """Keeps what later trainings may begin with, and returns the outcome that says where it is."""
        outcome, content = trained.outcome, trained.checkpoint
        steps = outcome.inherited_steps + outcome.steps
        # Only first trainings have children.
        is_parent = outcome.status.complete and candidate.repeats is None
        try:
            if self.bank is not None and is_parent and trained.network is not None:
                give_to_bank(self.bank, trained.network, steps=steps)
            if self.keeps_parents and is_parent and trained.network is not None:
                content = ancestor_bytes(trained.network, steps=steps)
            if self.weights is not None and content is not None:
                return replace(outcome, weights=self.weights.put(content))
        except (OSError, EvoNasError) as error:
            # The score is good without them: what would begin with them begins from scratch.
            _log.warning("weights of a training cannot be kept: %s", error)
        return outcome


def kept_weights(store: WeightStore | None, digest: str) -> bytes | None:
    """Returns what a training left in ``store``; None if it left nothing, or it is missing or cannot be read."""
    try:
        return store.get(digest) if store is not None and digest else None
    except (OSError, EvoNasError) as error:
        _log.warning("weights %s cannot be read, and a training begins without them: %s", digest, error)
        return None
