"""DARTS and one-shot search: a super-network that holds all cells says which of them to train.

Liu, Simonyan and Yang, "DARTS: Differentiable Architecture Search", ICLR 2019; Bender, Kindermans, Zoph, Vasudevan
and Le, "Understanding and Simplifying One-Shot Architecture Search", ICML 2018; Li and Talwalkar, "Random Search and
Reproducibility for Neural Architecture Search", UAI 2019. The ops and edges of the evolved cell become softmax
mixtures, and a worker trains weights and mixtures in turn, as one long training in a few stretches. What it finds -
its likeliest cell, and cells that its shared weights rank highest - is then trained from scratch like any other
candidate. It departs from the papers in one point: nothing is believed without such a training, so that the best
found is the best of a normal ranking.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field, model_validator

from evo_nas.config.supernet import SUPERNET, SupernetSettings
from evo_nas.errors import ConfigError
from evo_nas.evaluation import Status
from evo_nas.genome.cell import CellGraph, H, Node, X
from evo_nas.genome.ops import Op
from evo_nas.strategies.mutation import mutated, operators_of
from evo_nas.strategies.strategy import Proposal, Strategy, StrategyOptions
from evo_nas.strategies.trials import BestTrials

if TYPE_CHECKING:
    import random
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Self, Unpack

    from evo_nas.evaluation import Candidate, Evaluation
    from evo_nas.genome.space import Genome, SearchSpace
    from evo_nas.strategies.strategy import Terms
    from evo_nas.strategies.trials import Trial

PARENTS = 5
"""The best trials, whose neighbours are tried once nothing found is left; few, since only a part of a budget is
left."""
LIKELIEST, ONE_SHOT = "darts", "one-shot"
"""Operators of what a super-network finds: its likeliest cell, and the cells that it ranks highest."""


class DartsOptions(StrategyOptions):
    """Options of DARTS and one-shot search.

    Attributes:
        order: 1 judges an architecture with the weights as they are; 2 looks one step of training ahead, by finite
            differences, which takes about three times as long.
        width: Units of the super-network, one of ``space.widths``; unless given, the least of at least 32.
        epochs: Epochs of the super-network.
        steps: Steps of such an epoch, each one for the architecture and one for the weights.
        rate: Learning rate of the architecture.
        paths: Share of the steps for the weights that train a single random cell in place of the mixture: 0 is DARTS,
            and 1 random search with weight sharing, whose super-network only ranks.
        drawn: Cells that are drawn by the shares of the architecture, to be ranked.
        ranked: Random cells that are ranked beside them.
        findings: How many cells are then trained from scratch: the likeliest, and those ranked highest.
        stretches: In how many parts the super-network is trained, each of them a candidate with a time limit of its
            own; what a crash costs is one of them. One for each 20 evaluations unless given, at most 4.
        meanwhile: Most other candidates that are asked before the super-network is trained: the founders of the space,
            then random networks, so that no other worker idles. A third of the evaluations unless given.
    """

    order: Literal[1, 2] = 1
    width: int | None = Field(default=None, ge=1, examples=[32])
    epochs: int = Field(default=20, ge=1)
    steps: int = Field(default=25, ge=1)
    rate: float = Field(default=0.01, gt=0.0)
    paths: float = Field(default=0.5, ge=0.0, le=1.0)
    drawn: int = Field(default=32, ge=0)
    ranked: int = Field(default=32, ge=0)
    findings: int = Field(default=16, ge=1)
    stretches: int | None = Field(default=None, ge=1, examples=[4])
    meanwhile: int | None = Field(default=None, ge=0, examples=[20])

    @model_validator(mode="after")
    def _stretches_fit(self) -> Self:
        if self.stretches is not None and 2 * self.stretches > max(2, self.epochs):
            raise ValueError(
                f"stretches is {self.stretches}; must be at most half the epochs, {max(1, self.epochs // 2)}: "
                "lower stretches or raise epochs"
            )
        return self

    def following(self, evaluations: int) -> Self:
        """Returns these options with those filled in that follow the budget and were left out."""
        stretches = max(1, min(4, evaluations // 20, self.epochs // 2))
        meanwhile = max(1, evaluations // 3)
        return self.model_copy(
            update={
                "stretches": self.stretches or stretches,
                "meanwhile": meanwhile if self.meanwhile is None else self.meanwhile,
            }
        )

    @property
    def settings(self) -> SupernetSettings:
        """What the worker that trains the super-network is told."""
        names = SupernetSettings.model_fields
        return SupernetSettings(**{name: getattr(self, name) for name in names})

    @property
    def ends(self) -> tuple[int, ...]:
        """After how many epochs each stretch ends, ascending."""
        assert self.stretches is not None, "it follows the budget"
        return tuple(
            math.ceil(self.epochs * number / self.stretches) for number in range(1, self.stretches + 1)
        )


class Darts(Strategy[DartsOptions]):
    """Trains a super-network first, then what it has found, then the neighbours of the best.

    The fitness alone decides which are the best. Trials that were pruned count with the lower standing that they
    have. If the super-network fails - it diverges, or passes its time limit - what it had found until then is used.
    """

    kind: ClassVar[str] = "darts"
    Options = DartsOptions
    trains_long: ClassVar[bool] = True

    def __init__(
        self, space: SearchSpace, options: DartsOptions | None = None, **terms: Unpack[Terms]
    ) -> None:
        _check(space)
        super().__init__(space, options, **terms)
        self._host = _host(space, self._options.width)
        self._stretches: list[Evaluation] = []
        self._asked_stretches = self._others = 0
        self._operators = operators_of(space, fixed=self._frozen)
        self._best = BestTrials(PARENTS, lambda trial: trial.standing is not None and not trial.is_unstable)

    def wanted_weights(self) -> set[str]:
        """Returns also the digests of what the next stretch goes on from, and of founders, which are asked late."""
        wanted = super().wanted_weights() | {founder.weights for founder in self._founders}
        if not self._is_trained:
            wanted |= {each.outcome.weights for each in self._stretches[-1:]}
        return wanted - {""}

    @property
    def _is_trained(self) -> bool:
        """Whether nothing more comes from the super-network."""
        if not self._stretches:
            return False
        outcome = self._stretches[-1].outcome
        return outcome.status is not Status.TRAINED or outcome.epochs >= self._options.epochs

    def _propose(self, k: int, rng: random.Random) -> Proposal | None:  # noqa: ARG002 - the contract's signature
        if not self._is_trained:
            if self._asked_stretches == len(self._stretches):
                return self._stretch()
            assert self._options.meanwhile is not None, "it follows the budget"
            if self._others >= self._options.meanwhile:
                return None  # the rest of the budget is for what is found
            return self._first_new(map(self._founding, self._founders)) or self._by_chance(rng)
        known = self._first_new(self._found()) or self._first_new(map(self._founding, self._founders))
        return known or self._neighbour(rng)

    def _learn(self, trials: Sequence[Trial]) -> None:
        for trial in trials:
            self._best.learn(trial)

    def _learn_long(self, evaluation: Evaluation) -> None:
        self._stretches.append(evaluation)

    def _remember_asked(self, candidates: Iterable[Candidate]) -> None:
        asked = list(candidates)
        super()._remember_asked(asked)
        stretches = sum(bool(candidate.trains) for candidate in asked)
        self._asked_stretches += stretches
        self._others += len(asked) - stretches

    def _stretch(self) -> Proposal:
        """Returns the next part of the training of the super-network."""
        number, ends = len(self._stretches), self._options.ends
        before = self._stretches[-1] if self._stretches else None
        return Proposal(
            self._host,
            parents=() if before is None else (before.candidate.id,),
            operator=SUPERNET,
            epochs=self._options.epochs,
            is_prunable=False,
            pauses_after=ends[number] if number + 1 < len(ends) else None,
            continues=None if before is None else before.candidate.id,
            starts_from="" if before is None else before.outcome.weights,
            done=0 if before is None else before.outcome.epochs,
            trains=self._options.settings.text,
        )

    def _found(self) -> Iterator[Proposal]:
        """Yields what the super-network has found, as it last said so."""
        latest = next((each for each in reversed(self._stretches) if each.outcome.findings), None)
        for place, genome in enumerate(() if latest is None else latest.outcome.findings):
            assert latest is not None
            yield Proposal(genome, parents=(latest.candidate.id,), operator=ONE_SHOT if place else LIKELIEST)

    def _first_new(self, proposals: Iterator[Proposal]) -> Proposal | None:
        return next(filter(self._is_new, proposals), None)

    def _neighbour(self, rng: random.Random) -> Proposal:
        """Returns a mutation of one of the best, or a random network while there are none."""
        if not self._best.ranking or not self._operators:
            return self._by_chance(rng)
        parent = rng.choice(self._best.ranking).candidate
        operator = rng.choices(self._operators, [each.share for each in self._operators])[0]
        child = mutated(parent.genome, operator, space=self._space, rng=rng)
        return Proposal(child, parents=(parent.id,), operator=operator.name)


def _check(space: SearchSpace) -> None:
    """Raises `ConfigError` if no cell of ``space`` can be relaxed."""
    if getattr(space, "cell_code", None) is None:
        raise ConfigError(
            "strategy.kind is darts, and no cell evolves in this space; it relaxes the ops and edges of the evolved "
            "cell: set space.evolve_cell to true, or choose another strategy, such as aging"
        )
    if space.options.linear_only:
        raise ConfigError(
            "strategy.kind is darts and space.linear_only is true; a mixture of ops is no linear recurrence: set "
            "space.linear_only to false, or choose another strategy, such as aging"
        )


def _host(space: SearchSpace, width: int | None) -> Genome:
    """Returns the genome around the super-network: every gene has its default, and each layer the evolved cell.

    Raises:
        ConfigError: The width is not in the space, or even this network exceeds a limit.
    """
    widths = space.options.widths
    if width is not None and width not in widths:
        raise ConfigError(
            f"strategy.width is {width}; must be one of space.widths, {', '.join(map(str, widths))}"
        )
    wanted = next((each for each in widths if each >= 32), widths[-1]) if width is None else width
    values = [gene.default for gene in space.genes]
    code = space.cell_code
    assert code is not None, "it was checked"
    # Which cell it is does not matter; this one is in every space.
    bias = "linear" in code.ops
    cell = CellGraph(1, (Node(Op.LINEAR, (X, H), bias=bias),), (2,))
    values[space.cell_start :] = code.encode(cell)
    for position, gene in enumerate(space.genes):
        if gene.name.startswith("layer") and gene.name.endswith(".width"):
            values[position] = gene.choices.index(wanted)
    host = tuple(values)
    if not space.is_feasible(host):
        raise ConfigError(
            f"strategy.width is {wanted}, with which the smallest network around the super-network exceeds a limit "
            f"({space.admission.obstacle(space.decode(host))}): choose a smaller width, or raise the limit"
        )
    return host
