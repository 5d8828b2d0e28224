"""`Pairing`: the champion beside one other model, by what both answered and by their seeds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from evo_nas.champion.statistics import Comparison, paired_by_seed

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Pairing:
    """The champion beside an opponent or a baseline on the test part.

    Attributes:
        opponent: Name of the other model.
        models: The two models as they are kept, on the same test examples; None where their answers are not known.
        seeds: The single trainings of both with the same seeds; None of fewer than two.
    """

    opponent: str
    models: Comparison | None
    seeds: Comparison | None = None

    @property
    def decisive(self) -> Comparison | None:
        """The comparison that decides: that of what is kept, where it is known."""
        # Who takes a model asks whether that one is better; seeds say whether another training would be.
        return self.models or self.seeds

    @property
    def place(self) -> bool | None:
        """Whether the champion is ahead; None if the two cannot be told apart."""
        decisive = self.decisive
        return decisive.lead > 0 if decisive is not None and decisive.is_clear else None

    def in_words(self, metric: str) -> str:
        """Returns the lead and how sure it is."""
        decisive, seeds = self.decisive, self.seeds
        if decisive is None:
            return "too few trainings came to an end to say more"
        said = decisive.in_words(metric)
        return said if seeds is None or seeds is decisive else f"{said}; {seeds.evidence}"


def with_the_same_seeds(
    ours: Sequence[float], theirs: Sequence[float], *, higher_is_better: bool
) -> Comparison | None:
    """Returns the comparison of trainings that are paired by their seeds; None unless there are two pairs or more."""
    if len(ours) != len(theirs) or len(ours) < 2:
        return None
    return paired_by_seed(ours, theirs, higher_is_better=higher_is_better)


def against_a_score(ours: Sequence[float], score: float, *, higher_is_better: bool) -> Comparison | None:
    """Returns the comparison of trainings with one score, such as a baseline's; None of fewer than two."""
    found = with_the_same_seeds(ours, [score] * len(ours), higher_is_better=higher_is_better)
    return None if found is None else replace(found, test=f"a one-sample t-test of {len(ours)} seeds")
