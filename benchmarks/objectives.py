"""Objectives that take no time or a stated one; a module of their own, so that workers can import them."""

from __future__ import annotations

import time
from dataclasses import dataclass

from evo_nas.evaluation import Candidate, Outcome, Status


@dataclass(frozen=True)
class Pause:
    """Scores a candidate by its hash, after ``seconds`` of sleep."""

    seconds: float = 0.0

    def __call__(self, candidate: Candidate) -> Outcome:
        """Returns the outcome of ``candidate``."""
        started = time.perf_counter()
        if self.seconds:
            time.sleep(self.seconds)
        digits = candidate.canonical_hash
        return Outcome(
            Status.OK,
            fitness=int(digits[:8], 16) / 16**8,
            metrics={"validation_accuracy": int(digits[:8], 16) / 16**8},
            metric="validation_accuracy",
            parameters=int(digits[16:20], 16),
            epochs=candidate.budget,
            train_s=time.perf_counter() - started,
        )
