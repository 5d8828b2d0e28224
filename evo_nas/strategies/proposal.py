"""`Proposal`: what a strategy, or a revisit, wants to be trained next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from evo_nas.genome.space import Genome


@dataclass(frozen=True, slots=True)
class Founder:
    """A network that is known to be good, where a search begins.

    Attributes:
        name: Its name, such as ``lstm``.
        genome: Its genome.
        weights: Digest of kept weights that its training starts from; empty for scratch.
    """

    name: str
    genome: Genome
    weights: str = ""

    @property
    def operator(self) -> str:
        """The operator of its candidate, which says where it came from."""
        return f"seed:{self.name}"


@dataclass(frozen=True, slots=True)
class Proposal:
    """A genome that a strategy proposes, and its origin.

    Attributes:
        genome: The genome to evaluate.
        parents: Ids of its parents; empty for a founder.
        operator: Name of the operator that made it, such as ``mutation``.
        epochs: Epochs of training, at least 1; None for those of the configuration.
        is_prunable: Whether it may be pruned at a rung.
        pauses_after: Epochs after which its training is paused whatever its score; None for a training to the end.
        repeats: Id of the candidate whose architecture is trained again; None for a new one.
        repetition: Which training of the architecture it is, from 0; each has a seed of its own.
        cut: Which cut of the training and validation rows it learns from.
        continues: Id of the pruned candidate whose training is continued; None for a training of its own.
        starts_from: Digest of the weights that the training starts from; empty to start from scratch.
        done: Epochs that are behind a continued training.
        is_inherited: Whether its training started, or starts, from weights of another network.
        trains: The long training that is wanted instead of that of the genome's network; see `Candidate`.
    """

    genome: Genome
    parents: tuple[int, ...]
    operator: str
    epochs: int | None = None
    is_prunable: bool = True
    pauses_after: int | None = None
    repeats: int | None = None
    repetition: int = 0
    cut: int = 0
    continues: int | None = None
    starts_from: str = ""
    done: int = 0
    is_inherited: bool = False
    trains: str = ""

    def __post_init__(self) -> None:
        if self.epochs is not None and self.epochs < 1:
            raise ValueError(f"epochs of a proposal is {self.epochs}; must be at least 1, or None")

    @property
    def is_revisit(self) -> bool:
        """Whether its architecture was asked before, and is trained again on purpose."""
        return self.repeats is not None or self.continues is not None
