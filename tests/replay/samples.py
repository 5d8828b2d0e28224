"""Recorded trainings that the tests of the replay are made of."""

from __future__ import annotations

from evo_nas.config import FitnessOptions
from evo_nas.evaluation import Candidate, Status
from evo_nas.replay import Recording

EPOCHS = 9
ONCE = FitnessOptions(rungs=None, confirm=False, repeats=0.0)
"""Every candidate is trained once, to the end."""


def recording(final: float, *, second_s: float = 1.0, epochs: int = EPOCHS) -> Recording:
    """Returns a training whose loss falls from 10 to ``final``."""
    curve = tuple(10 + (final - 10) * (epoch + 1) / epochs for epoch in range(epochs))
    return Recording(curve, (second_s,) * epochs, "validation_nll", higher_is_better=False, parameters=7)


def failing(after: int, *, started: bool = True) -> Recording:
    """Returns a training that diverges after some epochs, in the midst of the next one if ``started``."""
    curve = tuple(9.0 - epoch for epoch in range(after))
    return Recording(
        curve,
        (1.0,) * (after + started),
        "validation_nll",
        higher_is_better=False,
        failure=Status.DIVERGED,
        error="loss is nan",
    )


def rungs(*epochs: int, **values: object) -> FitnessOptions:
    """Returns rungs at ``epochs``, and nothing that trains a candidate again."""
    return ONCE.model_copy(update={"rungs": epochs} | values)


def candidate(key: str = "a", **values: object) -> Candidate:
    known = {
        "id": 0, "genome": (0,), "canonical_hash": key, "parents": (), "operator": "random", "seed": 0,
        "budget": EPOCHS, "asked_after": 0,
    }  # fmt: skip
    return Candidate(**(known | values))  # type: ignore[arg-type]
