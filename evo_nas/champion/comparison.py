"""`Pairing`: the champion beside one other model, by what both answered and by their seeds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from evo_nas.champion.statistics import Comparison, paired_bootstrap, paired_by_seed, size_of
from evo_nas.tasks.baselines.fitting import scores
from evo_nas.tasks.example_sums import ExampleSums

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from evo_nas.champion.verdict import Contestant
    from evo_nas.tasks.baselines.fitting import FittedBaselines
    from evo_nas.tasks.metrics import Metric

STANDINGS = {True: "ahead of", None: "no better than", False: "behind"}
"""Where the champion stands beside another model; what cannot be told apart is no better."""
PAIRING_COLUMNS = ("the champion is", "lead", "95 %", "p", "p of seeds", "effect")
"""Headings of `Pairing.cells`."""


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

    @property
    def cells(self) -> tuple[str, ...]:
        """A row of a table with the columns `PAIRING_COLUMNS`; the lead is positive where the champion is better."""
        found, models, seeds = self.decisive, self.models, self.seeds
        effect = None if seeds is None else seeds.effect
        return (
            f"{STANDINGS[self.place]} {self.opponent}",
            "" if found is None else f"{found.lead:+.2g}",
            "" if found is None else found.span,
            "" if models is None else f"{models.p_value:.2g}",
            "" if seeds is None else f"{seeds.p_value:.2g}",
            # Of differences that cancel out, the rounding of their sum is left.
            "" if effect is None else f"{round(effect, 6) + 0.0:.2g}, {size_of(effect)}",
        )


def tests_of(pairings: Sequence[Pairing]) -> str:
    """Returns the sentence that names the tests behind `Pairing.cells`."""
    models = dict.fromkeys(each.models.test for each in pairings if each.models is not None)
    seeds = dict.fromkeys(each.seeds.test for each in pairings if each.seeds is not None)
    parts = (("p is of", models), ("p and effect of seeds are of", seeds))
    said = "; ".join(f"{what} {' and '.join(tests)}" for what, tests in parts if tests)
    return f"A lead is positive where the champion is better; {said}."


def pairings_of(
    champion: Contestant,
    opponents: Sequence[Contestant],
    baselines: FittedBaselines,
    *,
    metric: Metric,
    sums: Callable[[str], ExampleSums | None],
) -> Iterator[Pairing]:
    """Yields the champion beside each opponent and each baseline, where there is something to compare.

    Args:
        champion: The champion.
        opponents: Its opponents.
        baselines: What simple baselines reach.
        metric: The metric of all scores.
        sums: Returns the statistics of a contestant's test examples by its name in the run; None if they are not known.
    """
    ours, higher = sums(champion.which), metric.higher_is_better
    for other in opponents:
        theirs = sums(other.which)
        models = paired_bootstrap(ours, theirs, metric) if ours and theirs else None
        # Without a failure the n-th trainings of both have the same seed.
        is_whole = not (champion.failures or other.failures)
        tests = other.tests if is_whole else ()
        seeds = with_the_same_seeds(champion.tests, tests, higher_is_better=higher)
        if models or seeds:
            yield Pairing(other.name, models, seeds)
    for name, score in scores(baselines).items():
        theirs = baselines.sums.get(name)
        # As the run keeps them, in single precision, so that the same verdict follows another time.
        kept = None if theirs is None else ExampleSums.from_text(theirs.to_text())
        models = paired_bootstrap(ours, kept, metric) if ours and kept else None
        seeds = against_a_score(champion.tests, score, higher_is_better=higher)
        if models or seeds:
            yield Pairing(name, models, seeds)


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
