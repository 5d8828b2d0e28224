"""The options models of a configuration, one for each section."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    field_validator,
    model_validator,
)

from evo_nas.config.fitness import FitnessOptions, ValidationOptions
from evo_nas.config.verdict import VerdictOptions
from evo_nas.config.warm_start import WarmStartOptions

MAX_SEED = 2**63 - 1


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


DeviceChoice = Literal["auto", "cpu", "cuda"]
ScheduleKind = Literal["constant", "cosine", "halving"]
Precision = Literal["float32", "bfloat16"]
MetaAlgorithm = Literal["reptile", "fomaml", "maml"]
DEFAULT_EPOCHS = 8


class AdaptationOptions(_Section):
    """How networks adapt to one of several related tasks, and how they learn to.

    Attributes:
        steps: Steps of gradient descent on the few examples of a task.
        learning_rate: Size of these steps; that of the initial weights is a gene.
        clip: Largest gradient norm of these steps.
        algorithm: What learns the initial weights: ``reptile``, or ``maml`` with second derivatives, which takes
            several times longer, or ``fomaml`` without.
    """

    steps: int = Field(default=5, ge=1, le=1000)
    learning_rate: float = Field(default=0.1, gt=0)
    clip: float = Field(default=10.0, gt=0)
    algorithm: MetaAlgorithm = "reptile"


class TrainingConfig(_Section):
    """How every candidate is trained, as far as its genes do not decide.

    Attributes:
        epochs: Epochs at the full budget, each a pass over the training split unless ``steps_per_epoch`` says
            otherwise; 8 by default. If ``budget.minutes`` are given instead, one epoch is measured before the search,
            and as many are taken as leave time for a few dozen candidates.
        steps_per_epoch: Optimizer steps of an epoch, for large data: training goes on through the split where the epoch
            before ended, and each epoch is followed by a validation. By default an epoch is a pass.
        time_limit_s: Seconds of computing after which a candidate's training is stopped: of the processor on a CPU, so
            that a busy machine stops no candidate early, and of the clock on a GPU. Ten times as many on the clock
            end it in any case.
        device: Where to train; ``auto`` takes a GPU if the worker has one.
        schedule: How the learning rate changes: ``constant``, ``cosine`` down to zero over the epochs, or
            ``halving`` when the validation metric stagnates.
        precision: Number format of matrix products where torch allows a choice; ``bfloat16`` needs a GPU.
        truncation: Steps of the layers after which gradients are cut while states go on, so that training on long
            sequences needs the memory of so many steps; not for forecasts and texts. By default no gradient is cut.
        adaptation: Scores a candidate by how well it does on new tasks of a family after a few steps; its training then
            learns initial weights, and a batch is so many tasks. By default there is one task, which is learnt.
    """

    epochs: int | None = Field(default=None, ge=1, le=100_000, examples=[8])
    steps_per_epoch: int | None = Field(default=None, ge=1, le=100_000_000, examples=[500])
    time_limit_s: float = Field(default=120.0, gt=0)
    device: DeviceChoice = "auto"
    schedule: ScheduleKind = "constant"
    precision: Precision = "float32"
    truncation: int | None = Field(default=None, ge=1, le=1_000_000, examples=[100])
    adaptation: AdaptationOptions | None = Field(default=None, examples=[{"steps": 5}])

    @model_validator(mode="after")
    def _bfloat16_is_for_gpus(self) -> Self:
        if self.precision == "bfloat16" and self.device == "cpu":
            raise ValueError("precision is bfloat16 and device is cpu; precision must be float32 there")
        return self

    @model_validator(mode="after")
    def _adaptation_is_whole(self) -> Self:
        if self.adaptation is not None and self.truncation is not None:
            raise ValueError(
                f"truncation is {self.truncation} and adaptation is given; a network adapts to whole sequences: leave "
                "one of them out"
            )
        if self.adaptation is not None and self.precision != "float32":
            raise ValueError(
                f"precision is {self.precision} and adaptation is given; precision must be float32 there"
            )
        return self

    @property
    def full_epochs(self) -> int:
        """Epochs of a full training."""
        return DEFAULT_EPOCHS if self.epochs is None else self.epochs

    def without_time_limit(self) -> Self:
        """Returns these settings without a time limit, for trainings that must finish, such as those of a verdict."""
        return self.model_copy(update={"time_limit_s": math.inf})


DEFAULT_EVALUATIONS = 120
MOST_EVALUATIONS = 100_000_000


class BudgetOptions(_Section):
    """How much a run may spend in total, including all its resumes.

    Attributes:
        evaluations: Number of candidates to evaluate; 120 by default, and as many as fit if ``minutes`` are given.
        minutes: Time of the whole run with its verdict, in minutes; the search measures its first candidates and
            plans by them.
        train_minutes: Training time of all candidates together, in minutes; no limit by default.
        stop_when_flat: Share of the budget after which the search ends if nothing better was found, beyond the noise;
            never by default.
    """

    evaluations: int | None = Field(default=None, ge=1, le=MOST_EVALUATIONS, examples=[120])
    minutes: float | None = Field(default=None, gt=0, examples=[20.0])
    train_minutes: float | None = Field(default=None, gt=0, examples=[30.0])
    stop_when_flat: float | None = Field(default=None, gt=0, lt=1, examples=[0.3])

    @property
    def most_evaluations(self) -> int:
        """Most candidates that are evaluated."""
        return MOST_EVALUATIONS if self.is_open_ended else self.expected_evaluations

    @property
    def is_open_ended(self) -> bool:
        """Whether only the time limits the number of evaluations."""
        return self.evaluations is None and self.minutes is not None

    @property
    def expected_evaluations(self) -> int:
        """How many evaluations a strategy may expect before anything is measured."""
        return self.evaluations or DEFAULT_EVALUATIONS

    @property
    def wall_s(self) -> float | None:
        """Seconds of the whole run; None for no limit."""
        return None if self.minutes is None else 60 * self.minutes

    @property
    def train_s(self) -> float | None:
        """Seconds of training; None for no limit."""
        return None if self.train_minutes is None else 60 * self.train_minutes


def available_cores() -> int:
    """Returns how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class WorkerOptions(_Section):
    """Where candidates are trained.

    Attributes:
        lanes: Candidates that each worker trains at the same time, in threads that share its process and its GPU.
        count: Number of worker processes; the same as giving this number as ``min`` and ``max``. Without any of the
            three, one for every core of the machine that searches.
        min: Workers that are kept even if fewer candidates than workers are left.
        max: Workers that are requested; if there is no room for all, the others wait for nodes to join.
        cpus: Cores that each worker takes.
        gpus: GPUs that each worker takes; a fraction shares one.
        memory: GiB that Ray reserves for each worker; a candidate that certainly needs more is not trained.
        attempts: Dispatches of one candidate before it counts as the cause of the lost workers.
    """

    count: int | None = Field(default=None, ge=1, le=100_000, examples=[4])
    min: int | None = Field(default=None, ge=1, le=100_000)
    max: int | None = Field(default=None, ge=1, le=100_000)
    lanes: int = Field(default=1, ge=1, le=1024)
    cpus: float = Field(default=1.0, gt=0)
    gpus: float = Field(default=0.0, ge=0)
    memory: float | None = Field(default=None, gt=0, examples=[2.0])
    attempts: int = Field(default=3, ge=2, le=100, description="since one lost worker may be chance")

    @property
    def most(self) -> int:
        """Number of workers that are requested."""
        return self.max or self.count or self.min or available_cores()

    @property
    def fewest(self) -> int:
        """Number of workers that are kept."""
        return self.min or self.count or (1 if self.max else self.most)

    @property
    def memory_bytes(self) -> int | None:
        """Bytes of memory that are reserved for each worker; None if nothing is reserved."""
        return None if self.memory is None else round(self.memory * 2**30)

    def exactly(self, count: int | None) -> WorkerOptions:
        """Returns these options with exactly ``count`` workers; None leaves them as they are."""
        if count is None:
            return self
        # An exact number takes the place of the bounds.
        return self.model_copy(update={"count": count, "min": None, "max": None})

    @model_validator(mode="after")
    def _min_is_at_most_max(self) -> Self:
        if self.fewest > self.most:
            raise ValueError(f"min is {self.fewest} and max is {self.most}; min must be at most max")
        return self


class SearchConfig(_Section):
    """Everything that determines a search.

    Attributes:
        name: Name of the search; its run directory is ``runs/<name>`` unless another is given.
        seed: Seed of every random stream of the run.
        task: What the networks learn: ``kind`` and that kind's options.
        space: What may evolve.
        strategy: How the next candidate is chosen: ``kind`` and that kind's options; by default aging evolution.
        training: How candidates are trained.
        fitness: How much training a score costs, and when it is believed.
        validation: What candidates are compared on.
        warm_start: With which networks of earlier runs the search begins; a list alone names the runs.
        budget: When to stop.
        verdict: What is trained for the verdict on the champion.
        workers: Where candidates are trained; a bare number is the number of worker processes.
        base_dir: Directory that relative data paths start from; by default that of the configuration file.
    """

    name: str = Field(
        pattern=r"^[a-z0-9][a-z0-9_.-]{0,63}$",
        examples=["my-search"],
        json_schema_extra={
            "permitted": "1 to 64 lower-case letters, digits, _, . and -, a letter or digit first"
        },
    )
    seed: int = Field(default=1, ge=0, le=MAX_SEED)
    task: dict[str, Any] = Field(examples=[{"kind": "digits"}])
    space: dict[str, Any] = Field(default_factory=dict, examples=[{"widths": [32, 64]}])
    strategy: dict[str, Any] = Field(
        default_factory=lambda: {"kind": "aging"}, examples=[{"kind": "aging", "population": 50}]
    )
    training: TrainingConfig = TrainingConfig()
    fitness: FitnessOptions = FitnessOptions()
    validation: ValidationOptions = ValidationOptions()
    warm_start: WarmStartOptions = WarmStartOptions()
    budget: BudgetOptions = BudgetOptions()
    verdict: VerdictOptions = VerdictOptions()
    workers: WorkerOptions = Field(default_factory=WorkerOptions)
    # Not strict, since YAML and recorded JSON have text where a path is meant.
    base_dir: Path = Field(default_factory=Path.cwd, strict=False)

    @field_validator("task", "strategy")
    @classmethod
    def _names_its_kind(cls, section: dict[str, Any]) -> dict[str, Any]:
        if not isinstance(section.get("kind"), str):
            raise ValueError("must say its `kind`, a name")  # noqa: TRY004 - pydantic collects ValueErrors
        return section

    @field_validator("warm_start", mode="before", json_schema_input_type=WarmStartOptions | list[str] | str)
    @classmethod
    def _runs_alone(cls, section: object) -> object:
        return {"runs": section} if isinstance(section, str | list) else section

    @field_validator(
        "workers", mode="before", json_schema_input_type=WorkerOptions | Annotated[int, Field(ge=1)]
    )
    @classmethod
    def _count_alone(cls, section: object) -> object:
        # `type(...) is int`, since `true` is an int to isinstance.
        return {"count": section} if type(section) is int else section
