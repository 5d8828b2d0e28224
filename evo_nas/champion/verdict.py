"""`Verdict`: the champion of a run beside the same network around published cells, and the baselines."""

from __future__ import annotations

import statistics
from collections.abc import Mapping  # noqa: TC003 - pydantic reads the annotations of what it checks
from dataclasses import asdict, dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError

from evo_nas.champion.comparison import STANDINGS, Pairing
from evo_nas.champion.opponents import RANDOM
from evo_nas.runs.champion_store import CHAMPION
from evo_nas.tasks.baselines.keeping import slug

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evo_nas.ledger import History, Totals
    from evo_nas.runs import Run

BASIS = "basis"
MOST_SPANS = 2
"""Opponents up to which the sentence has the interval of each lead."""


@dataclass(frozen=True, slots=True)
class Contestant:
    """A model as it is kept and exported: the mean of networks that were trained from scratch with several seeds.

    Attributes:
        name: ``champion``, or the name of its cell, such as ``LSTM``.
        architecture: Description of the architecture.
        parameters: Trainable parameters of one of its networks.
        validation: Validation metric of the model.
        test: Test metric of the model.
        tests: Test metric of each of its networks alone.
        failures: Number of seeds whose training failed.
        coverage: Share of the test values within the outermost quantiles; None without quantiles.
        table_parameters: How many of the parameters are in tables of hashed n-grams.
        which: Its name for ``evo-nas export --which``.
        validations: Validation metric of each of its networks alone.
        setting: Which of the settings that were tried was best on validation.
        epochs: Epochs of each training; 0 if an older verdict does not say.
        train_s: Seconds of all its trainings, its trials included.
        latency_ms: Milliseconds from the arrival of the last step to the answer, for one sequence.
    """

    name: str
    architecture: str
    parameters: int
    validation: float
    test: float
    tests: tuple[float, ...]
    failures: int = 0
    coverage: float | None = None
    table_parameters: int = 0
    which: str = CHAMPION
    validations: tuple[float, ...] = ()
    setting: str = ""
    epochs: int = 0
    # Measured anew each time, so that equal verdicts may differ in them.
    train_s: float = field(default=0.0, compare=False)
    latency_ms: float | None = field(default=None, compare=False)

    @property
    def mean(self) -> float:
        """Mean of the test metric of its networks alone."""
        return statistics.fmean(self.tests)

    @property
    def spread(self) -> float:
        """Standard deviation of the test metric of its networks alone."""
        return statistics.stdev(self.tests) if len(self.tests) > 1 else 0.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of a run; its scores are those of the models that are kept and exported.

    Attributes:
        candidate: Id of the champion.
        evaluations: Number of evaluations that it was chosen from.
        metric: Name of the metric of all scores.
        higher_is_better: Direction of the metric.
        champion: What the search found, retrained.
        opponents: The same network around published cells, of about the same size and tuned with as many trials; where
            asked, also what a search at random has found.
        comparisons: The champion beside each opponent and each baseline.
        baselines: Test metric of simple baselines by name.
        promised_coverage: Difference of the outermost levels of quantiles; None without quantiles.
        pruned_at: Epochs after which the search had pruned it; None if it was trained in full there.
        epochs: Epochs of a full training of the search.
        trials: Settings that were tried for each contestant.
        look: How often the test part of the run has been looked at, this time included.
        lost: Opponents of which no training succeeded, with the reason.
        finalists: How many of the best networks were judged on other cuts and seeds, and what that says.
        baseline_validations: Validation metric of the baselines that are kept as models, by name.
    """

    candidate: int
    evaluations: int
    metric: str
    higher_is_better: bool
    champion: Contestant
    opponents: tuple[Contestant, ...]
    comparisons: tuple[Pairing, ...]
    baselines: Mapping[str, float]
    promised_coverage: float | None = None
    pruned_at: int | None = None
    epochs: int = 0
    trials: int = 1
    look: int = 1
    lost: Mapping[str, str] = field(default_factory=dict)
    finalists: str = ""
    baseline_validations: Mapping[str, float] = field(default_factory=dict)

    @property
    def contestants(self) -> tuple[Contestant, ...]:
        """The champion and its opponents."""
        return (self.champion, *self.opponents)

    @property
    def lstm(self) -> Contestant | None:
        """The LSTM among the opponents; None without one."""
        return next((each for each in self.opponents if each.which == "lstm"), None)

    @property
    def best_on_validation(self) -> Contestant:
        """The contestant that validation, which alone may choose, recommends; among equals the champion."""
        sign = 1 if self.higher_is_better else -1
        return max(self.contestants, key=lambda each: sign * each.validation)

    @property
    def recommended_baseline(self) -> str:
        """The baseline that is better on validation than every contestant, and is kept as a model; empty if none is."""
        sign, kept = 1 if self.higher_is_better else -1, self.baseline_validations
        best = max(kept, key=lambda name: sign * kept[name], default="")
        is_better = best and sign * (kept[best] - self.best_on_validation.validation) > 0
        return best if is_better else ""

    @property
    def strongest_baseline(self) -> str:
        """The name of the baseline with the best test metric; empty if there are no baselines."""
        sign = 1 if self.higher_is_better else -1
        return max(self.baselines, key=lambda name: sign * self.baselines[name], default="")

    @property
    def sentence(self) -> str:
        """The verdict in at most three sentences: what to take, and where the champion stands on test.

        It names a lead only if it is significant; `remarks` and `Pairing.cells` have the rest.
        """
        parts = (self._recommendation(), self._on_test(), self._against_baselines())
        return " ".join(filter(None, parts))

    @property
    def remarks(self) -> tuple[str, ...]:
        """What a reader of the scores should know beside the sentence."""
        remarks = [f"Every training of the {name} failed ({reason})." for name, reason in self.lost.items()]
        strongest, against = self.strongest_baseline, self.against(self.strongest_baseline)
        is_beaten = against is None or against.place is True
        if (
            strongest in self.baseline_validations
            and not is_beaten
            and strongest != self.recommended_baseline
        ):
            remarks.append(
                f"The baseline {strongest}, which the champion does not beat, can be taken, too: "
                f"`evo-nas export RUN --which baseline:{slug(strongest)}`."
            )
        if self.look > 1:
            remarks.append(
                f"The test part of this run has been looked at {self.look} times, so that its scores are no longer "
                "those of data that never had an influence."
            )
        return tuple(remarks)

    def to_values(self) -> dict[str, Any]:
        """Returns the verdict as plain JSON values."""
        return asdict(self)

    @staticmethod
    def from_values(values: Mapping[str, Any]) -> Verdict | None:
        """Returns the verdict that `to_values` gave; None if another version wrote it."""
        try:
            return _reader().validate_python(values)
        except ValidationError:
            return None

    def against(self, name: str) -> Pairing | None:
        """Returns the comparison with an opponent or a baseline; None if there is none."""
        return next((each for each in self.comparisons if each.opponent == name), None)

    def _recommendation(self) -> str:
        best, twin = self.best_on_validation, next(iter(self._twins), None)
        named, against = "the champion", self.against(self.strongest_baseline)
        # A baseline that is clearly ahead on test alone is not chosen by it, but should not be passed over either.
        take = "Take" if against is None or against.place is not False else "Of the networks take"
        if twin is not None:
            named += ", which " + (
                "the random search found, too" if twin.which == RANDOM else f"is that {twin.name} itself"
            )
        if baseline := self.recommended_baseline:
            rival = named if best.which == self.champion.which else f"the {best.name}"
            return (
                f"Take the baseline {baseline} (`evo-nas export RUN --which baseline`): on validation, which chooses, "
                f"it is better than {rival} ({self.baseline_validations[baseline]:.4g} against {best.validation:.4g} "
                f"{self.metric})."
            )
        if best.which != self.champion.which:
            return (
                f"{take} the {best.name} (`evo-nas export RUN --which {best.which}`): on validation, which chooses, it "
                f"is better than {named} ({best.validation:.4g} against {self.champion.validation:.4g} {self.metric})."
            )
        reached = f"{self.champion.validation:.4g} {self.metric}"
        if not self.opponents:
            return f"{take} {named}: it reaches {reached} on validation, and has no opponent."
        return f"{take} {named}: no opponent is better on validation, which chooses ({reached})."

    @property
    def _twins(self) -> list[Contestant]:
        """The opponents that are the champion's very network."""
        return [each for each in self.opponents if each.architecture == self.champion.architecture]

    def _on_test(self) -> str:
        looks = f", looked at {self.look} times," if self.look > 1 else ""
        said = f"On test{looks} the champion reaches {self.champion.test:.4g} {self.metric}"
        others = [each.name for each in self.opponents if each not in self._twins]
        compared = [each for each in map(self.against, others) if each is not None]
        if others and not compared:
            return f"{said}; too few trainings came to an end to compare it."
        parts = []
        for place, standing in STANDINGS.items():
            here = [each for each in compared if each.place is place]
            brief = len(compared) > MOST_SPANS
            names = [f"the {each.opponent} ({_lead(each, brief=brief)})" for each in here]
            parts.append(f"{standing} {listed(names)}" if names else "")
        ahead, rest = parts[0], listed(list(filter(None, parts[1:])))
        return ", ".join(filter(None, (said, " but ".join(filter(None, (ahead, rest)))))) + "."

    def _against_baselines(self) -> str:
        strongest, count = self.strongest_baseline, len(self.baselines)
        against = self.against(strongest)
        if not strongest:
            return ""
        score = f"{self.baselines[strongest]:.4g}"
        if against is None:
            return f"The strongest of its baselines, {strongest}, reaches {score}."
        places = [each.place for name in self.baselines if (each := self.against(name)) is not None]
        named = f"{strongest} ({score}; {_lead(against)})"
        beaten = places.count(True)
        if beaten == count:
            all_of_them = "both" if count == 2 else f"all {count}"
            which = f"{all_of_them} baselines, the strongest" if count > 1 else "the baseline"
            return f"It beats {which} {named}."
        stands = f"is {STANDINGS[against.place]}"
        if count == 1:
            return f"It {stands} the baseline {named}."
        if against.place:
            return f"It beats {beaten} of {count} baselines, also the strongest, {named}."
        joint = "but" if beaten else "and"
        return f"It beats {beaten or 'none'} of {count} baselines {joint} {stands} the strongest, {named}."


def _lead(pairing: Pairing, *, brief: bool = False) -> str:
    found = pairing.decisive
    assert found is not None  # no pairing is made of nothing
    return f"{found.lead:+.2g}" if brief else found.in_words


def listed(names: Sequence[str]) -> str:
    """Returns ``names`` as a sentence has them: with commas, and an "and" before the last."""
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def stored_verdict(run: Run, totals: Totals | None = None) -> Verdict | None:
    """Returns the verdict that ``run`` keeps; None if it keeps none on exactly the evaluations that it holds now.

    Args:
        run: The run.
        totals: What it has spent, if that is known.
    """
    values = run.champion.verdict()
    if values is None or values.pop(BASIS, None) != basis_of(totals or run.totals()):
        return None
    return Verdict.from_values(values)


def basis_of(held: Totals | History) -> dict[str, Any]:
    """Returns what identifies the evaluations that a verdict was made of.

    A run only grows, so their number does, unless a loss was accepted: then other evaluations may have come instead.
    """
    told = held.told if isinstance(held.told, int) else len(held.told)
    return {"told": told, "lost": [list(places) for places in held.lost]}


@cache
def _reader() -> TypeAdapter[Verdict]:
    return TypeAdapter(Verdict)
