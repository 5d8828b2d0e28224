"""Lets another program propose: its suggestions get a share of the candidates, another strategy the others.

A suggestion waits in the inbox of the run until a candidate is asked for. Which candidate it became is in that
candidate's operator, and so in the ledger as soon as anything of it is. So the state is a function of configuration,
log and inbox: nothing else is written when a suggestion is taken, and one whose candidate was lost in a crash waits
again. Verifying a run takes each suggestion where the record says. The interface is that of ask-and-tell optimisers
(Collette et al., "On Object-Oriented Programming of Optimizers", 2010), seen from the other side: the program is asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self

from pydantic import Field, field_validator

from evo_nas.config import checked, nearest
from evo_nas.errors import ConfigError
from evo_nas.randomness import stream
from evo_nas.strategies.proposal import Proposal
from evo_nas.strategies.strategy import Strategy, StrategyOptions, check_objectives
from evo_nas.strategies.suggestions import EmptyInbox, suggestion_of

if TYPE_CHECKING:
    import random
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Unpack

    from evo_nas.evaluation import Candidate, Evaluation
    from evo_nas.genome.space import SearchSpace
    from evo_nas.strategies.strategy import Terms
    from evo_nas.strategies.suggestions import Suggestion


class ExternalOptions(StrategyOptions):
    """Options of a search that another program takes part in.

    Attributes:
        share: Share of the candidates that suggestions may become, above 0 and at most 1; while none waits,
            the strategy beside proposes all of them.
        beside: The strategy that proposes the others: its kind and its options.
    """

    share: float = Field(default=0.5, gt=0.0, le=1.0)
    beside: dict[str, Any] = Field(default={"kind": "aging"}, validate_default=True)

    @field_validator("beside")
    @classmethod
    def _spelled_out(cls, beside: dict[str, Any]) -> dict[str, Any]:
        try:
            kind, options = _beside(beside)
        except ConfigError as error:
            raise ValueError(str(error)) from None
        return {"kind": kind.kind, **options.model_dump(mode="json")}

    def following(self, evaluations: int) -> Self:
        """Returns these options with those of the strategy beside filled in that follow the budget."""
        kind, options = _beside(self.beside)
        followed = options.following(evaluations).model_dump(mode="json")
        return self.model_copy(update={"beside": {"kind": kind.kind, **followed}})


class External(Strategy[ExternalOptions]):
    """Takes what another program proposes with `evo-nas tell`, and lets another strategy propose the rest."""

    kind: ClassVar[str] = "external"
    Options = ExternalOptions
    takes_suggestions: ClassVar[bool] = True
    breeds: ClassVar[bool] = True  # if the strategy beside does, which the constructor checks
    shares_weights: ClassVar[bool] = True

    def __init__(
        self, space: SearchSpace, options: ExternalOptions | None = None, **terms: Unpack[Terms]
    ) -> None:
        super().__init__(space, options, **terms)
        kind, chosen = _beside(self._options.beside)
        _check_inheritance(self._fitness.inheritance, kind)
        check_objectives(kind, self._fitness)
        # It is asked and told everything, as if all candidates were its own.
        self._beside: Strategy[StrategyOptions] = kind(space, chosen, **terms)
        self._inbox = terms.get("inbox") or EmptyInbox()
        self._taken: set[int] = set()
        self._passed: set[int] = set()
        self._recorded: Mapping[int, int] | None = None

    def follow(self, recorded: Sequence[Candidate]) -> None:
        """Takes each suggestion where the record says, whenever it has arrived."""
        numbers = {candidate.id: suggestion_of(candidate) for candidate in recorded}
        self._recorded = {k: number for k, number in numbers.items() if number is not None}

    def tell(self, evaluations: Sequence[Evaluation]) -> None:
        """Updates both strategies."""
        super().tell(evaluations)
        self._beside.tell(evaluations)

    def statistics(self) -> Mapping[str, float]:
        """Returns the statistics of the strategy beside, and how many candidates were suggestions."""
        own = {"suggestions": float(len(self._taken))} if self._taken else {}
        return {**self._beside.statistics(), **own}

    def wanted_weights(self) -> set[str]:
        """Returns also the digests that the strategy beside may want."""
        return super().wanted_weights() | self._beside.wanted_weights()

    def _propose(self, k: int, rng: random.Random) -> Proposal | None:
        # Founders come first: they show what a suggestion has to beat, and the strategy beside counts on them.
        is_outside = (
            k >= len(self._founders) and stream(self._seed, "outside", k).random() < self._options.share
        )
        return (self._suggested(k) if is_outside else None) or self._beside._propose(k, rng)

    def _suggested(self, k: int) -> Proposal | None:
        """Returns the suggestion that waits longest and can still be trained; None if there is none."""
        for suggestion in self._waiting(k):
            if suggestion.fits(self._space):
                proposal = self._proposal(suggestion)
                if self._is_new(proposal):
                    return proposal
            # It was asked in the meantime, and what is known stays known; or it never was a genome of this space.
            self._passed.add(suggestion.number)
        return None

    def _waiting(self, k: int) -> Iterable[Suggestion]:
        done = self._taken | self._passed
        waiting = [each for each in self._inbox.suggestions() if each.number not in done]
        if self._recorded is None:
            return waiting
        return [each for each in waiting if each.number == self._recorded.get(k)]

    def _proposal(self, suggestion: Suggestion) -> Proposal:
        return Proposal(
            self._usual(suggestion.genome),
            parents=(),
            operator=suggestion.operator,
            starts_from=self._shared_weights,
        )

    def _remember_asked(self, candidates: Iterable[Candidate]) -> None:
        asked = list(candidates)
        super()._remember_asked(asked)
        self._beside._remember_asked(asked)
        self._taken |= {number for each in asked if (number := suggestion_of(each)) is not None}


def _beside(section: Mapping[str, Any]) -> tuple[type[Strategy[StrategyOptions]], StrategyOptions]:
    """Returns the class and the checked options of the strategy that ``section`` describes.

    Raises:
        ConfigError: There is no such strategy, or an option is wrong.
    """
    # The registry imports this file.
    from evo_nas.strategies.registry import STRATEGIES  # noqa: PLC0415

    # A long training goes on by a revisit, which only the strategy has that is asked.
    permitted = sorted(
        name for name, each in STRATEGIES.items() if name != External.kind and not each.trains_long
    )
    if section.get("kind") not in permitted:
        raise ConfigError(f"kind is {section.get('kind')}; {nearest(str(section.get('kind')), permitted)}")
    kind = STRATEGIES[section["kind"]]
    return kind, checked(kind.Options, {key: value for key, value in section.items() if key != "kind"})


def _check_inheritance(inheritance: str, beside: type[Strategy[StrategyOptions]]) -> None:
    can = {"none": True, "parent": beside.breeds, "bank": beside.breeds or beside.shares_weights}
    if not can[inheritance]:
        permitted = " or ".join(name for name, is_possible in can.items() if is_possible)
        raise ConfigError(
            f"fitness.inheritance is {inheritance}, but strategy.beside.kind is {beside.kind}, which breeds no "
            f"children that could inherit; must be {permitted}"
        )
