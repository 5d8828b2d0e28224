"""The long training of a super-network: all cells of a space at once, its architecture relaxed (DARTS, one-shot).

The weights learn from one half of the training rows, and the architecture, with all that is said of single cells, is
judged on the other: the validation part stays unseen, so that it can rank what was found beside all other candidates.
"""

from __future__ import annotations

import hashlib
import logging
import math
from itertools import islice
from typing import TYPE_CHECKING

import torch

from evo_nas.config.supernet import SupernetSettings
from evo_nas.errors import EvoNasError
from evo_nas.evaluation import Outcome, Status
from evo_nas.genome.architecture import Training
from evo_nas.models.layers import set_dropout_generator
from evo_nas.models.mixed import MixedRecurrence, SingleCell
from evo_nas.models.network import Network
from evo_nas.models.recurrent_layer import RecurrentLayer
from evo_nas.models.relaxation import Relaxation
from evo_nas.models.seeded_init import SeededInit
from evo_nas.randomness import derive_seed, stream
from evo_nas.training.bilevel import Bilevel
from evo_nas.training.checkpoint import Checkpoint, ForeignCheckpointError
from evo_nas.training.clock import TrainingClock
from evo_nas.training.endings import LARGEST_NORM, EndedError, cause_of, check_converging, description_of
from evo_nas.training.flat_optimizer import FlatOptimizer
from evo_nas.training.forward import StatefulForward
from evo_nas.training.halves import halves
from evo_nas.training.lineage import kept_weights
from evo_nas.training.losses import TrainingLoss
from evo_nas.training.one_shot import CellDrawing, found
from evo_nas.training.passes import Passes, Place
from evo_nas.training.runtime import training_thread
from evo_nas.training.step import RunningLoss

if TYPE_CHECKING:
    from torch import Tensor

    from evo_nas.config.schema import TrainingConfig
    from evo_nas.evaluation import Candidate
    from evo_nas.genome.cgp import CellCode
    from evo_nas.genome.gene import Genome
    from evo_nas.genome.space import SearchSpace
    from evo_nas.training.batches import Batch, PreparedDataset
    from evo_nas.weights import WeightStore

_log = logging.getLogger(__name__)
RANKING_BATCHES = 4
"""Batches of the half that is held out on which a single cell is scored; the same ones for all cells."""
ARCHITECTURE_DECAY = 1e-3
"""Weight decay of the logits, as in the paper."""
NO_CLIP = 1e9


def train_supernet(
    candidate: Candidate,
    settings: str,
    *,
    space: SearchSpace,
    data: PreparedDataset,
    training: TrainingConfig,
    weights: WeightStore | None,
) -> Outcome:
    """Trains a stretch of a super-network, and returns what it has found so far; failures are outcomes, too.

    It goes on from what the stretch before has left, bit for bit; where nothing is left of that, it begins again, which
    gives the same and takes longer.

    Args:
        candidate: The stretch: its genome is the network around the cell, its budget the epochs of all stretches, and
            it ends after its rung.
        settings: `SupernetSettings` as JSON.
        space: The search space.
        data: The data, on the device that trains.
        training: The settings of candidates; only their time limit matters here.
        weights: Where stretches leave what the next goes on from; None to begin each anew.
    """
    fit: _Fit | None = None
    try:
        wanted = SupernetSettings.model_validate_json(settings)
        with training_thread(data.device):
            fit = _Fit(candidate, wanted, space, data, training)
            content = kept_weights(weights, candidate.starts_from)
            if content is not None and not fit.goes_on(content):
                # What half of a foreign checkpoint has changed is gone with the training.
                fit = _Fit(candidate, wanted, space, data, training)
            return fit.run(weights)
    except Exception as error:  # noqa: BLE001 - a bad candidate must not end its worker
        status, said = cause_of(error), description_of(error)
        return Outcome(status, error=said) if fit is None else fit.outcome(status, error=said)


def _mixed(network: Network, code: CellCode) -> list[MixedRecurrence]:
    """Lets every layer of ``network`` run all cells, and returns what runs them."""
    recurrences = []
    for layer in network.layers:
        assert isinstance(layer, RecurrentLayer)
        one = layer.recurrence
        mixed = MixedRecurrence(code, one.inputs, one.width, bidirectional=one.bidirectional)
        layer.recurrence = mixed
        recurrences.append(mixed)
    return recurrences


class _Fit:
    """One stretch of a super-network and its results so far."""

    def __init__(
        self,
        candidate: Candidate,
        settings: SupernetSettings,
        space: SearchSpace,
        data: PreparedDataset,
        training: TrainingConfig,
    ) -> None:
        self.settings = settings
        self._candidate = candidate
        self._space = space
        self._data = data
        self._limit_s = training.time_limit_s
        self._clock = TrainingClock(data.device, limit_s=training.time_limit_s)
        self._scores: list[tuple[float, float, float]] = []
        self._end = next(iter(candidate.rungs), candidate.budget)
        self._steps = 0
        host = space.decode(candidate.genome)
        code = space.cell_code
        assert code is not None, "the strategy has checked that a cell evolves"
        self._code = code
        self._batch_size = host.training.batch_size
        self._generators = {
            name: torch.Generator().manual_seed(derive_seed(candidate.seed, name))
            for name in ("weights", "learnt", "held_out")
        }
        with SeededInit(self._generators["weights"]):
            self._network = Network(host, data.signature)
            self._recurrences = _mixed(self._network, code)
            self._relaxation = Relaxation(code)
        self._network.front.read_spellings(data.vocabulary)
        self._on_device = torch.Generator(data.device).manual_seed(candidate.seed)
        set_dropout_generator(self._network, self._on_device)
        self._network.to(data.device)
        self._relaxation.to(data.device)
        rate = host.training.learning_rate
        optimizers = (
            FlatOptimizer(self._network, host.training, rate_factors=self._network.rate_factors),
            FlatOptimizer(
                self._relaxation,
                Training(learning_rate=settings.rate, weight_decay=ARCHITECTURE_DECAY, clip=NO_CLIP),
            ),
        )
        draw = torch.Generator().manual_seed(derive_seed(candidate.seed, "halves"))
        parts = dict(zip(("learnt", "held_out"), halves(data.train, draw), strict=True))
        self._held_out_split = parts["held_out"]
        self._loss = TrainingLoss(
            data.loss, data.class_weights, levels=data.levels, has_holes=data.has_target_holes
        )
        self._forwards = {name: StatefulForward(self._network, split) for name, split in parts.items()}
        self._bilevel = Bilevel(
            self._relaxation,
            self._recurrences,
            *optimizers,
            self._forwards["learnt"],
            self._forwards["held_out"],
            self._loss,
            rate,
        )
        self._passes = {
            name: Passes(
                split,
                self._batch_size,
                generator=self._generators[name],
                steps=settings.steps,
                restart=self._forwards[name].restart,
            )
            for name, split in parts.items()
        }
        self._drawing = CellDrawing(space, candidate.genome)

    def run(self, weights: WeightStore | None) -> Outcome:
        """Trains to the end of the stretch, and looks for cells there."""
        self._network.train()
        while len(self._scores) < self._end:
            self._train_epoch()
        left = self._checkpoint().to_bytes() if self._end < self._candidate.budget else None
        findings = self._findings()
        digest = ""
        if weights is not None and left is not None:
            try:
                digest = weights.put(left)
            except (OSError, EvoNasError) as error:
                _log.warning("a super-network begins again, since its weights cannot be kept: %s", error)
        return self.outcome(Status.TRAINED, findings=findings, weights=digest)

    def outcome(
        self,
        status: Status,
        *,
        findings: tuple[tuple[Genome, float], ...] = (),
        weights: str = "",
        error: str = "",
    ) -> Outcome:
        """Returns the outcome of a stretch that ended with ``status``."""
        latest = (
            zip(("train_loss", "held_out_loss", "entropy"), self._scores[-1], strict=True)
            if self._scores
            else ()
        )
        return Outcome(
            status=status,
            metrics={name: value for name, value in latest if math.isfinite(value)},
            curve=tuple(held_out for _, held_out, _ in self._scores),
            parameters=sum(parameter.numel() for parameter in self._network.parameters()),
            epochs=len(self._scores),
            train_s=self._clock.wall_s,
            backends=tuple(recurrence.backend_name for recurrence in self._recurrences),
            error=error,
            cpu_s=self._clock.counted_s,
            steps=self._steps,
            weights=weights,
            findings=tuple(genome for genome, _ in findings),
            finding_scores=tuple(score for _, score in findings),
        )

    def _train_epoch(self) -> None:
        # Steps of single cells say nothing of the mixture, and are not counted.
        losses = {"learnt": RunningLoss(), "held_out": RunningLoss()}
        epoch, mixed = len(self._scores) + 1, 0
        pairs = zip(self._passes["learnt"].epoch(), self._passes["held_out"].epoch(), strict=True)
        for (learnt, _), (held_out, _) in pairs:
            if self._clock.is_over:
                raise EndedError(
                    Status.TIMED_OUT,
                    f"passed its time limit of {self._limit_s:g} s after {len(self._scores)} epochs: raise "
                    "training.time_limit_s, or strategy.stretches, each of which has so much time",
                )
            judged = self._bilevel.architecture_step(held_out, learnt, order=self.settings.order)
            losses["held_out"].add(*judged, weight=1)
            single = self._single_cell()
            if single is None:
                losses["learnt"].add(*self._bilevel.weight_step(learnt), weight=1)
                mixed += 1
            else:
                self._bilevel.single_step(learnt, single)
            self._steps += 1
            for running in losses.values():
                check_converging(running.maxima(), LARGEST_NORM, epoch=epoch)
        train_loss = losses["learnt"].mean() if mixed else math.nan
        self._scores.append((train_loss, losses["held_out"].mean(), self._relaxation.entropy()))

    def _single_cell(self) -> SingleCell | None:
        """Returns the cell that the next step for the weights trains; None for the mixture of all."""
        rng = stream(self._candidate.seed, "path", self._steps)
        if rng.random() >= self.settings.paths:
            return None
        return self._single(self._drawing.by_chance(rng))

    def _single(self, genome: Genome) -> SingleCell:
        return SingleCell.of(self._code, self._drawing.cell_of(genome))

    def _findings(self) -> tuple[tuple[Genome, float], ...]:
        split, settings = self._held_out_split, self.settings
        draw = torch.Generator().manual_seed(derive_seed(self._candidate.seed, "ranking"))
        batches = list(islice(split.shuffled(self._batch_size, draw), RANKING_BATCHES))
        findings = found(
            self._drawing,
            self._relaxation.log_shares(),
            lambda genome: self._score(genome, batches),
            rng=stream(self._candidate.seed, "findings", len(self._scores)),
            drawn=settings.drawn,
            ranked=settings.ranked,
            identity=self._space.canonical_hash,
        )
        return tuple((each.genome, each.score) for each in findings[: settings.findings])

    def _score(self, genome: Genome, batches: list[Batch]) -> float:
        """Returns the negated mean loss of a single cell with the shared weights."""
        self._bilevel.choose(self._single(genome))
        forward = self._forwards["held_out"].anew()
        self._network.eval()
        total = count = 0.0
        with torch.inference_mode():
            for batch in batches:
                predictions = forward(batch).counted()
                forward.advance()
                weight = float(self._loss.weight(predictions))
                total += weight * float(self._loss(predictions))
                count += weight
        return -total / count if count else math.nan

    @property
    def _identity(self) -> str:
        """Returns what two trainings on the same data share only if they give the same weights."""
        facts = (self._candidate.canonical_hash, self._candidate.seed, self._candidate.budget)
        return hashlib.sha256(repr((*facts, self._data.signature)).encode()).hexdigest()

    def _tensors(self) -> dict[str, Tensor]:
        """Returns the tensors that are set where a training goes on, by name; they stay its own."""
        tensors = {"weights": self._bilevel.weights.weights, "logits": self._relaxation.logits.data}
        for name, optimizer in (("weights", self._bilevel.weights), ("logits", self._bilevel.architecture)):
            tensors |= {f"{name}.{key}": tensor for key, tensor in optimizer.state().items()}
        return tensors

    def _checkpoint(self) -> Checkpoint:
        tensors = self._tensors()
        tensors |= {f"generator.{name}": each.get_state() for name, each in self._generators.items()}
        tensors["generator.device"] = self._on_device.get_state()
        for name, passes in self._passes.items():
            place = passes.place
            assert place is not None, "an epoch has as many steps as the settings say"
            tensors[f"drawn_from.{name}"] = place.drawn_from
            tensors[f"taken.{name}"] = torch.tensor(place.taken)
            carried = self._forwards[name].carried()
            tensors |= {f"carried.{name}.{key}": state for key, state in carried.items()}
        return Checkpoint(
            training=self._identity,
            scores=torch.tensor(self._scores, dtype=torch.float64),
            tensors=tensors,
            steps=self._steps,
        )

    def goes_on(self, content: bytes) -> bool:
        """Takes over what the stretch before has left; returns whether that was possible."""
        try:
            checkpoint = Checkpoint.from_bytes(content, training=self._identity)
            for name, tensor in self._tensors().items():
                tensor.copy_(checkpoint.tensor(name, like=tensor))
            for name, passes in self._passes.items():
                state = self._generators[name].get_state()
                drawn_from = checkpoint.tensor(f"drawn_from.{name}", like=state)
                passes.go_on(Place(drawn_from, int(checkpoint.tensors[f"taken.{name}"])))
                prefix = f"carried.{name}."
                self._forwards[name].carry(
                    {
                        key.removeprefix(prefix): tensor.to(self._data.device)
                        for key, tensor in checkpoint.tensors.items()
                        if key.startswith(prefix)
                    }
                )
            for name, generator in self._generators.items():
                generator.set_state(checkpoint.tensors[f"generator.{name}"])
            self._on_device.set_state(checkpoint.tensors["generator.device"])
        except (ForeignCheckpointError, KeyError, ValueError, RuntimeError, StopIteration) as error:
            _log.warning("a super-network begins again, since its checkpoint cannot be used: %s", error)
            return False
        self._scores = [
            (learnt, held_out, entropy) for learnt, held_out, entropy in checkpoint.scores.tolist()
        ]
        self._steps = checkpoint.steps
        return True
