"""The section ``fitness``: how much training a score costs, and when it is believed."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidatorFunctionWrapHandler,
    field_validator,
    model_validator,
)

from evo_nas.config.objectives import COSTS, FITNESS, LATENCY, objectives_problem


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


# Not strict, since YAML and recorded JSON have lists where a tuple is meant.
Epochs = Annotated[tuple[Annotated[int, Field(strict=True, ge=1)], ...], Field(strict=False)]
Names = Annotated[tuple[str, ...], Field(strict=False, min_length=1)]
PruningRule = Literal["halving", "median", "extrapolation"]
Inheritance = Literal["none", "parent", "bank"]


class FitnessOptions(_Section):
    """How candidates are scored.

    Attributes:
        rungs: Epochs after which a training may be pruned, ascending and below ``training.epochs``; ``auto`` chooses
            them, or none for fewer than five epochs or several objectives; ``null`` trains every candidate to the end.
        pruning: The rule that decides at a rung: ``halving`` (asynchronous successive halving), ``median``, or
            ``extrapolation`` of the run's own curves.
        reduction: At a rung, one of so many goes on.
        grow: Whether the highest rung grows only while the order of the best still changes (PASHA).
        repeats: Share of the evaluations that train a candidate again with another seed, to measure the noise; not
            needed with several ``seeds_per_candidate``.
        confirm: Whether a score among the best fifth must be confirmed, with another seed and cut, before it may
            breed; not needed with several ``seeds_per_candidate``.
        seeds_per_candidate: Trainings of every candidate, whose mean is its score.
        inheritance: What a training starts from: ``none`` (scratch), ``parent`` or the shared ``bank``.
        memory: Directory or URI of earlier runs, whose results for the same training are not trained again.
        objectives: What is optimised, the fitness first; with several, a search keeps all networks that no other beats
            in all of them.
        latency: Whether the latency of every network is measured after its training, also if it is no objective.
    """

    rungs: Epochs | Literal["auto"] | None = Field(default="auto", examples=[[2, 6]])
    pruning: PruningRule = "halving"
    reduction: int = Field(default=3, ge=2, le=100)
    grow: bool = False
    repeats: float = Field(default=0.0, ge=0.0, le=0.5)
    confirm: bool = False
    seeds_per_candidate: int = Field(default=1, ge=1, le=100)
    inheritance: Inheritance = "none"
    memory: str | None = Field(default=None, examples=["runs"])
    objectives: Names = Field(
        default=(FITNESS,),
        json_schema_extra={"permitted": f"a list of {', '.join((FITNESS, *COSTS))}, {FITNESS} first"},
    )
    latency: bool = False

    @property
    def has_costs(self) -> bool:
        """Whether costs are recorded with every result."""
        return len(self.objectives) > 1 or self.latency

    @property
    def prunes(self) -> bool:
        """Whether trainings may be pruned at rungs, if there are epochs enough for some."""
        return bool(self.rungs) and len(self.objectives) == 1

    @property
    def trains_again(self) -> bool:
        """Whether some candidates are trained more than once."""
        return self.confirm or self.repeats > 0 or self.seeds_per_candidate > 1

    @property
    def measures_latency(self) -> bool:
        """Whether the latency of networks is measured."""
        return self.latency or LATENCY in self.objectives

    @field_validator("rungs", mode="wrap")
    @classmethod
    def _epochs_or_auto(cls, value: object, check: ValidatorFunctionWrapHandler) -> object:
        try:
            return check(value)
        except ValidationError as error:  # one sentence, and not one for each of the three types
            raise ValueError("must be a list of epochs such as [2, 6], or auto") from error

    @model_validator(mode="after")
    def _objectives_are_known(self) -> Self:
        if problem := objectives_problem(self.objectives):
            raise ValueError(problem)
        return self

    @model_validator(mode="after")
    def _fitness_alone_decides_nothing_early(self) -> Self:
        if len(self.objectives) == 1:
            return self
        several = f"objectives has {len(self.objectives)}"
        if isinstance(self.rungs, tuple) and self.rungs:
            raise ValueError(
                f"rungs is {list(self.rungs)} and {several}; at a rung the fitness alone would decide, and throw out "
                "the networks that are cheap: leave out rungs, or all objectives but fitness"
            )
        if self.inheritance != "none":
            raise ValueError(
                f"inheritance is {self.inheritance} and {several}; networks are compared in several objectives only "
                "if they are trained from scratch: leave out one of them"
            )
        return self

    @model_validator(mode="after")
    def _memory_is_of_trainings_from_scratch(self) -> Self:
        if self.memory is not None and self.inheritance != "none":
            raise ValueError(
                f"memory is given and inheritance is {self.inheritance}; what is remembered was trained from scratch, "
                "and is never ranked with what inherited: leave out one of them"
            )
        return self


class ValidationOptions(_Section):
    """What candidates are compared on.

    Attributes:
        cuts: Cuts of the training and validation rows, the split of the task being the first; repeated trainings take
            another one.
    """

    cuts: int = Field(default=1, ge=1, le=100)
