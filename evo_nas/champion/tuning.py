"""What is tuned of one network, and what the trials of a tuning say.

The settings are a small space of genes beside those of the search: each is a choice, and the first choice of all is the
network as it was found. So every searcher asks the same questions, and a trial is written down as a few integers.
"""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from evo_nas.champion.opponents import equal_around
from evo_nas.errors import ConfigError
from evo_nas.genome.architecture import MAX_BATCH_SIZE, Optimizer
from evo_nas.genome.canonical import canonical
from evo_nas.genome.cells import NAMED_CELLS
from evo_nas.genome.codec import to_json
from evo_nas.genome.gene import Gene
from evo_nas.randomness import derive_seed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from evo_nas.config import TrainingConfig
    from evo_nas.config.schema import ScheduleKind
    from evo_nas.experiment import Experiment
    from evo_nas.genome.architecture import Architecture
    from evo_nas.genome.gene import Genome
    from evo_nas.strategies.trials import Trial

RATES = tuple(2.0 ** (half / 2) for half in range(-6, 9))
"""Factors of the learning rate, from an eighth to sixteen times as much."""
DECAYS = (0.0, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1)
CLIPS = (0.1, 0.3, 1.0, 3.0, 10.0)
BATCHES = (0.25, 0.5, 1.0, 2.0, 4.0)
"""Factors of the batch size."""
DROPOUTS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)
RECURRENT_DROPOUTS = (0.0, 0.1, 0.2, 0.3)
WIDTHS = (0.5, 2**-0.5, 1.0, 2**0.5, 2.0)
"""Factors of all widths, as far as the space permits."""
SCHEDULES: tuple[ScheduleKind, ...] = ("constant", "cosine", "halving")


@dataclass(frozen=True, slots=True)
class TunedNetwork:
    """A network as a trial trains it.

    Attributes:
        architecture: The network with its settings of training.
        schedule: How the learning rate changes.
    """

    architecture: Architecture
    schedule: ScheduleKind


@dataclass(frozen=True, slots=True)
class TuningSpace:
    """The settings of one network that are tuned.

    Attributes:
        found: The network as it was found.
        genes: The choices of each setting; their defaults are the network as it was found.
    """

    found: TunedNetwork
    genes: tuple[Gene, ...]

    @classmethod
    def of(
        cls, architecture: Architecture, training: TrainingConfig, *, admits: Callable[[Architecture], bool]
    ) -> TuningSpace:
        """Returns the space of the settings of ``architecture``.

        Args:
            architecture: The network as it was found.
            training: How the search trained it.
            admits: Whether a wider or narrower network is permitted.
        """
        now = architecture.training
        batches = {round(factor * now.batch_size) for factor in BATCHES}
        dropouts = [_ordered("dropout", DROPOUTS, architecture.head.dropout)]
        if architecture.embedding is not None:
            dropouts.append(_ordered("embedding_dropout", RECURRENT_DROPOUTS, architecture.embedding_dropout))
        recurrent = max(layer.recurrent_dropout for layer in architecture.layers)
        widths = [factor for factor in WIDTHS if factor == 1.0 or admits(_scaled(architecture, factor))]
        genes = (
            _ordered("learning_rate", [factor * now.learning_rate for factor in RATES], now.learning_rate),
            _named("schedule", SCHEDULES, training.schedule),
            _named("optimizer", tuple(Optimizer), now.optimizer),
            _ordered("weight_decay", DECAYS, now.weight_decay),
            _ordered("clip", CLIPS, now.clip),
            _ordered("batch_size", [each for each in batches if 1 <= each <= MAX_BATCH_SIZE], now.batch_size),
            *dropouts,
            _ordered("recurrent_dropout", RECURRENT_DROPOUTS, recurrent),
            _ordered("width", widths, 1.0),
        )
        return cls(TunedNetwork(architecture, training.schedule), genes)

    @classmethod
    def of_experiment(cls, architecture: Architecture, experiment: Experiment) -> TuningSpace:
        """Returns the space of the settings of ``architecture`` in an experiment, whose limits hold for all widths."""
        admission = experiment.space.admission
        return cls.of(
            architecture, experiment.config.training, admits=lambda other: not admission.obstacle(other)
        )

    @property
    def untuned(self) -> Genome:
        """The network as it was found."""
        return tuple(gene.default for gene in self.genes)

    @property
    def size(self) -> int:
        """How many combinations of settings there are."""
        return math.prod(gene.size for gene in self.genes)

    def active_genes(self, genome: Genome) -> tuple[int, ...]:  # noqa: ARG002 - all settings always count
        """Returns the positions of the genes that can vary."""
        return tuple(place for place, gene in enumerate(self.genes) if gene.size > 1)

    def key(self, *, epochs: int, seed: int) -> str:
        """Returns the identity of a tuning: another network, space, length or seed is another one."""
        genes = [[gene.name, [str(choice) for choice in gene.choices]] for gene in self.genes]
        facts = [json.loads(to_json(self.found.architecture)), self.found.schedule, genes, epochs, seed]
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]

    def settings(self, genome: Genome) -> dict[str, Any]:
        """Returns the value of each setting by name."""
        return {gene.name: gene.choices[value] for gene, value in zip(self.genes, genome, strict=True)}

    def changes(self, genome: Genome) -> dict[str, Any]:
        """Returns the settings that differ from those of the network as it was found."""
        untuned = self.settings(self.untuned)
        return {name: value for name, value in self.settings(genome).items() if value != untuned[name]}

    def network(self, genome: Genome) -> TunedNetwork:
        """Returns the network with the settings that ``genome`` chooses."""
        chosen = self.settings(genome)
        changed = self.changes(genome)
        wider = _scaled(self.found.architecture, chosen["width"])
        training = replace(
            wider.training,
            **{
                name: chosen[name]
                for name in ("learning_rate", "optimizer", "weight_decay", "clip", "batch_size")
            },
        )
        # What is not changed stays as it is: layers may have rates of their own.
        layers = wider.layers
        head = wider.head
        if "dropout" in changed:
            # Not on the inputs: where they are few numbers, zeroing some leaves nothing to read.
            layers = (layers[0], *(replace(layer, dropout=chosen["dropout"]) for layer in layers[1:]))
            head = replace(head, dropout=chosen["dropout"])
        if "recurrent_dropout" in changed:
            layers = tuple(replace(layer, recurrent_dropout=chosen["recurrent_dropout"]) for layer in layers)
        embedding_dropout = chosen.get("embedding_dropout", wider.embedding_dropout)
        tuned = replace(
            wider, layers=layers, head=head, training=training, embedding_dropout=embedding_dropout
        )
        return TunedNetwork(tuned, chosen["schedule"])


@dataclass(frozen=True, slots=True)
class TuningTrial:
    """A training with some settings.

    Attributes:
        number: Its place in the tuning, from 0; trial 0 is the network as it was found.
        genome: The settings.
        fitness: Best validation score of its epochs, higher is better; None if it failed.
        epochs: Epochs that it was trained for; fewer than the whole if it was stopped early.
        error: Why it failed; empty if it did not.
    """

    number: int
    genome: Genome
    fitness: float | None
    epochs: int
    error: str = ""

    def to_values(self) -> dict[str, Any]:
        """Returns plain JSON values."""
        return asdict(self) | {"genome": list(self.genome)}

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> TuningTrial:
        """Returns the trial that `to_values` gave."""
        return cls(
            number=values["number"],
            genome=tuple(values["genome"]),
            fitness=values["fitness"],
            epochs=values["epochs"],
            error=values["error"],
        )


def best_of(trials: Sequence[TuningTrial]) -> list[TuningTrial]:
    """Returns the trials that have a score, best first: those that went furthest, then by their scores."""
    scored = [trial for trial in trials if trial.fitness is not None]
    # A trial that was stopped early was behind the others when it was; it ranks below, whatever its score.
    return sorted(scored, key=lambda trial: (-trial.epochs, -(trial.fitness or 0.0), trial.number))


def network_of(trial: Trial, experiment: Experiment, cell: str = "") -> Architecture:
    """Returns the network of ``trial``, with the published ``cell`` in the place of its own and at equal size.

    Raises:
        ConfigError: There is no such cell.
    """
    architecture = experiment.space.decode(trial.candidate.genome)
    if not cell:
        return architecture
    check_cell(cell)
    return equal_around(canonical(NAMED_CELLS[cell]), architecture, architecture, experiment.space.signature)


def check_cell(name: str) -> None:
    """Raises an error unless ``name`` is that of a published cell.

    Raises:
        ConfigError: It is not.
    """
    if name not in NAMED_CELLS:
        raise ConfigError(f"cell is {name}; must be one of {', '.join(NAMED_CELLS)}")


def tuning_seed(trial: Trial, experiment: Experiment) -> int:
    """Returns the seed of all trainings of a tuning of the network of ``trial``."""
    return derive_seed(experiment.config.seed, "tune", trial.candidate.canonical_hash)


def _ordered(name: str, choices: Sequence[float], now: float) -> Gene:
    """Returns the gene of a number, with the value that it has now among its choices."""
    values = sorted({*choices, now})
    return Gene(name, tuple(values), ordered=True, default=values.index(now))


def _named(name: str, choices: Sequence[object], now: object) -> Gene:
    return Gene(name, tuple(choices), default=list(choices).index(now))


def _scaled(architecture: Architecture, factor: float) -> Architecture:
    layers = tuple(replace(layer, width=max(1, round(factor * layer.width))) for layer in architecture.layers)
    return replace(architecture, layers=layers)
