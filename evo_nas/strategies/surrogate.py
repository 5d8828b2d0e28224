"""Evolution with a surrogate: of several children, the one that should score highest is trained.

White, Neiswanger and Savani, "BANANAS", AAAI 2021; Wei et al., "NPENAS", IEEE TNNLS 2022; Sun et al.,
"Surrogate-assisted evolutionary deep learning using an end-to-end random forest-based performance predictor", IEEE TEVC
2019. Unlike there the predictor has to earn its say: while its predictions do not agree with what was told later, more
than chance explains, it is silent, and this is `aging`, candidate by candidate.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from evo_nas.strategies.aging import AgingEvolution, AgingOptions
from evo_nas.strategies.front import dominates
from evo_nas.strategies.score_examples import Example

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping, Sequence
    from typing import Unpack

    from evo_nas.genome.space import SearchSpace
    from evo_nas.strategies.strategy import Proposal, Terms
    from evo_nas.strategies.trials import Trial

RANKED = "ranked"
"""What the operator of a child ends with that the surrogate chose."""


class SurrogateOptions(AgingOptions):
    """Options of evolution with a surrogate, beside those of aging evolution.

    Attributes:
        children: Children that are drawn for each candidate, of which one is trained.
        significance: Most that chance may explain of the rank correlation, as a p-value, before the surrogate chooses.
    """

    children: int = Field(default=10, ge=2, le=100)
    significance: float = Field(default=0.05, gt=0.0, lt=0.5)


class SurrogateEvolution(AgingEvolution):
    """Ranks several children of aging evolution by their predicted scores, once the predictions are good enough.

    It learns from every trial: complete ones with their score, pruned ones with the score to which trainings like
    theirs went on, failures as the worst. With several objectives it predicts all of them, and draws among the children
    that no other one beats.
    """

    kind: ClassVar[str] = "surrogate"
    Options = SurrogateOptions

    def __init__(
        self, space: SearchSpace, options: SurrogateOptions | None = None, **terms: Unpack[Terms]
    ) -> None:
        super().__init__(space, options, **terms)
        # scikit-learn takes a second to load, which other strategies need not wait for.
        from evo_nas.strategies.score_predictor import ScorePredictor  # noqa: PLC0415

        chosen = self._options
        assert isinstance(chosen, SurrogateOptions), "the class of the options is given"
        self._children, self._significance = chosen.children, chosen.significance
        self._predictor = ScorePredictor(space, seed=self._seed)

    def statistics(self) -> Mapping[str, float]:
        """Returns also the rank correlation of the latest predictions, its p-value, their number, and who chooses."""
        judgement = self._predictor.judgement
        if not judgement.predictions:
            return super().statistics()
        return {
            **super().statistics(),
            "rank_correlation": judgement.correlation,
            "rank_p_value": judgement.p_value,
            "rank_predictions": judgement.predictions,
            "rank_decides": float(self._is_trusted),
        }

    @property
    def _is_trusted(self) -> bool:
        return self._predictor.judgement.p_value < self._significance

    def _propose(self, k: int, rng: random.Random) -> Proposal:
        draw = super()._propose
        first = draw(k, rng)
        if not first.parents or not self._is_trusted:
            return first
        drawn = [first, *(draw(k, rng) for _ in range(self._children - 1))]
        # Known ones are left out here, since the best of all may well be one.
        unlike = {self._space.canonical_hash(each.genome): each for each in drawn if self._is_new(each)}
        return self._best(list(unlike.values()), rng) if unlike else first

    def _best(self, proposals: Sequence[Proposal], rng: random.Random) -> Proposal:
        predicted = self._predictor.predict([each.genome for each in proposals])
        predicted[:, 1:] *= -1  # costs
        values = [tuple(row) for row in predicted.tolist()]
        best = [
            proposal
            for proposal, mine in zip(proposals, values, strict=True)
            if not any(dominates(other, mine) for other in values)
        ]
        chosen = rng.choice(best)
        return replace(chosen, operator=f"{chosen.operator}+{RANKED}")

    def _learn(self, trials: Sequence[Trial]) -> None:
        super()._learn(trials)
        for trial in trials:
            self._predictor.learn(Example.of(trial, self.objectives))
