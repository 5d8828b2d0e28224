"""Learns initial weights of one architecture for a family of tasks, resumable, into a directory.

::

    META.json                        what is learnt, written first
    checkpoint-000003.safetensors    what goes on after epoch 3, until all is done
    architecture.json, genome.json, model.safetensors    the result, in the native format of exports
    learnt.json                      how well it adapts, written last

The result is what `load_champion`, ``evo-nas export`` and ``warm_start`` of a search take.
"""

from __future__ import annotations

import json
import re
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from pydantic import TypeAdapter

from evo_nas.champion.export import champion_folder
from evo_nas.champion.exporters.native import ARCHITECTURE_FILE, MAX_JSON_BYTES, initial_weights_files
from evo_nas.config import nearest
from evo_nas.errors import ChampionError, ConfigError, GenomeError
from evo_nas.evaluation import Status
from evo_nas.genome.codec import architecture_hash, from_json, to_json
from evo_nas.ledger import DamagedError, open_store, seal, storage_errors, unseal
from evo_nas.models.network import Network
from evo_nas.models.seeded_init import SeededInit
from evo_nas.models.threads import one_thread
from evo_nas.randomness import derive_seed
from evo_nas.training.adaptation import adapted_test_scores
from evo_nas.training.batches import prepare
from evo_nas.training.course import Course
from evo_nas.training.ridge_start import start_shortcut
from evo_nas.training.runtime import device_for
from evo_nas.training.trainer import train

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evo_nas.config.schema import AdaptationOptions
    from evo_nas.experiment import Experiment
    from evo_nas.genome.architecture import Architecture
    from evo_nas.genome.space import SearchSpace
    from evo_nas.ledger import Store
    from evo_nas.training.batches import PreparedDataset

FORMAT = 1
SETTINGS_FILE, LEARNT_FILE = "META.json", "learnt.json"
_CHECKPOINT = re.compile(r"checkpoint-(\d{6,})\.safetensors")
_MISSING = (FileNotFoundError, NotADirectoryError, IsADirectoryError)


def chosen_architecture(text: str, space: SearchSpace) -> Architecture:
    """Returns the architecture that ``text`` names, which fits the task of ``space``.

    Args:
        text: The name of a founder such as ``lstm``; a run or an exported network; a file with an architecture in
            JSON; or a genome of the space as a list such as ``[1, 0, 2]``.
        space: The search space of the task.

    Raises:
        ConfigError: It is none of these.
        ChampionError: The run keeps no champion.
        GenomeError: The genome or the file is malformed, or the network does not fit the task.
    """
    founders = dict(space.seeds())
    if text in founders:
        return space.decode(founders[text])
    if text.startswith("["):
        return space.decode(_genome_of(text))
    if "://" not in text and not Path(text).exists():
        raise ConfigError(
            f"architecture is {text}; {nearest(text, list(founders))}; or a run, a folder of an exported network, a "
            "file with an architecture in JSON, or a genome such as [1, 0, 2]"
        )
    if Path(text).is_file():
        return _fitting(from_json(_read(Path(text))), space)
    with champion_folder(text) as folder:
        return _fitting(from_json(_read(folder / ARCHITECTURE_FILE)), space)


def _genome_of(text: str) -> tuple[int, ...]:
    try:
        values = json.loads(text)
    except ValueError:
        values = None
    if not isinstance(values, list) or not all(type(value) is int for value in values):
        raise ConfigError(
            f"architecture is {text}; a genome must be a list of whole numbers such as [1, 0, 2]"
        )
    return tuple(values)


def _read(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_JSON_BYTES:
            raise ConfigError(f"{path} has more than {MAX_JSON_BYTES} bytes; is it an architecture?")
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{path} cannot be read: {error}; give a run, an export or a file with an architecture"
        ) from error


def _fitting(architecture: Architecture, space: SearchSpace) -> Architecture:
    try:
        Network(architecture, space.signature)
    except GenomeError as error:
        raise GenomeError(f"the architecture does not fit the task: {error}") from error
    return architecture


@dataclass(frozen=True, slots=True)
class MetaProgress:
    """Where meta-learning is.

    Attributes:
        epoch: Epochs that are done.
        epochs: All epochs.
        value: Validation metric after adaptation, of the best epoch so far.
        latest: That of the latest epoch.
    """

    epoch: int
    epochs: int
    value: float
    latest: float


@dataclass(frozen=True, slots=True)
class Learnt:
    """Initial weights that were learnt.

    Attributes:
        metric: Name of the metric.
        higher_is_better: Its direction.
        steps: Steps of adaptation for which they were learnt.
        validation: Validation metric after adaptation.
        test: Test metric after 0, 1, ... steps of adaptation.
        scratch: The same from the random weights that learning began with.
        baselines: Test metric of simple models by name.
    """

    metric: str
    higher_is_better: bool
    steps: int
    validation: float
    test: tuple[float, ...]
    scratch: tuple[float, ...]
    baselines: dict[str, float]


_LEARNT = TypeAdapter(Learnt)


class MetaLearning:
    """Learns initial weights in a directory; the same again goes on where it was interrupted.

    ::

        learning = MetaLearning(experiment, architecture, "start")
        for progress in learning.run():
            print(progress.epoch, progress.value)
        learnt = learning.result()

    Args:
        experiment: What is learnt; its training has an ``adaptation``.
        architecture: The architecture, which fits the task.
        place: A directory that is new, empty, or of the same meta-learning.
    """

    def __init__(self, experiment: Experiment, architecture: Architecture, place: str | Path) -> None:
        training = experiment.config.training
        assert training.adaptation is not None, "whoever meta-learns says how networks adapt"
        self._experiment = experiment
        self._architecture = architecture
        self._store: Store = open_store(place)
        self._epochs = training.full_epochs
        self._training = training.without_time_limit()
        self._adaptation: AdaptationOptions = training.adaptation
        self._seed = derive_seed(experiment.config.seed, "meta", architecture_hash(architecture))

    def run(self) -> Iterator[MetaProgress]:
        """Learns what is left to learn, and yields after each epoch.

        Raises:
            RunError: The place cannot be written, or another process learns there.
            ConfigError: Something else is there.
            ChampionError: The training failed.
        """
        with closing(self._store), storage_errors(self._store, "write"):
            self._check_place()
            self._store.lock()
            self._store.discard_leftovers()
            if self._sealed(LEARNT_FILE) is None:
                self._store.create(SETTINGS_FILE, seal(self._settings()))
                yield from self._learn()

    def result(self) -> Learnt:
        """Returns what was learnt.

        Raises:
            ChampionError: Not all epochs are done.
        """
        with storage_errors(self._store, "read"):
            values = self._sealed(LEARNT_FILE)
        if values is None:
            raise ChampionError(
                f"{self._store.location} has no {LEARNT_FILE}; give the same command to go on"
            )
        return _LEARNT.validate_python(values["result"])

    def _learn(self) -> Iterator[MetaProgress]:
        dataset = self._experiment.dataset
        data = prepare(dataset, device_for(self._training))
        done, content = self._checkpoint()
        for epoch in range(done + 1, self._epochs + 1):
            with one_thread():
                # Paused after each epoch; what goes on gives the weights of what was never paused.
                trained = train(
                    self._architecture,
                    data,
                    self._training,
                    epochs=self._epochs,
                    seed=self._seed,
                    course=Course({epoch: float("inf")}, checkpoint=content),
                )
            outcome, content = trained.outcome, trained.checkpoint
            if not outcome.status.scored:
                diverged = outcome.status is Status.DIVERGED
                remedy = (
                    "lower training.adaptation.learning_rate" if diverged else "choose another architecture"
                )
                raise ChampionError(
                    f"meta-learning failed in epoch {outcome.epochs + 1}: {outcome.error or outcome.status}; {remedy}"
                )
            if content is not None:
                self._keep_checkpoint(epoch, content)
            else:
                assert trained.network is not None, "a training that ended well has a network"
                self._finish(trained.network, data, steps=outcome.steps, curve=outcome.curve)
            value = outcome.metrics[f"validation_{dataset.metric.name}"]
            yield MetaProgress(epoch, self._epochs, value, outcome.curve[-1])

    def _finish(
        self, network: Network, data: PreparedDataset, *, steps: int, curve: tuple[float, ...]
    ) -> None:
        dataset, adaptation = self._experiment.dataset, self._adaptation
        with one_thread():
            test, of_scratch = (
                tuple(
                    scores.metric
                    for scores in adapted_test_scores(
                        each, dataset, adaptation, steps=range(adaptation.steps + 1)
                    )
                )
                for each in (network, self._untrained(data))
            )
        baselines = {
            name: found.score for name, found in self._experiment.baselines.items() if found.score is not None
        }
        files = initial_weights_files(
            network, {"meta": self._settings(), "steps": steps, "canonical_hash": self._hash}
        )
        for name, content in files.items():
            self._store.delete(name)  # of an attempt that was interrupted
            self._store.create(name, content)
        learnt = Learnt(
            metric=dataset.metric.name,
            higher_is_better=dataset.metric.higher_is_better,
            steps=adaptation.steps,
            validation=(max if dataset.metric.higher_is_better else min)(curve),
            test=test,
            scratch=of_scratch,
            baselines=baselines,
        )
        # Last, since a directory that has it is taken for whole.
        self._store.create(
            LEARNT_FILE, seal({**self._settings(), "curve": curve, "steps": steps, "result": asdict(learnt)})
        )
        for name in self._checkpoints().values():
            self._store.delete(name)

    def _untrained(self, data: PreparedDataset) -> Network:
        """Returns the network with the random weights that learning began with."""
        with SeededInit(torch.Generator().manual_seed(self._seed)):
            network = Network(self._architecture, data.signature, device=data.device.type)
        network.to(data.device)
        start_shortcut(network, data)
        return network

    @property
    def _hash(self) -> str:
        return architecture_hash(self._architecture)

    def _settings(self) -> dict[str, Any]:
        """Returns what decides the weights, but for the version of the code."""
        config = self._experiment.config.model_dump(mode="json")
        return {
            "format": FORMAT,
            "task": config["task"],
            "training": {
                name: value
                for name, value in config["training"].items()
                if name not in {"time_limit_s", "device"}
            },
            "seed": config["seed"],
            "data": dict(self._experiment.fingerprint),
            "architecture": json.loads(to_json(self._architecture)),
        }

    def _check_place(self) -> None:
        present = [name for name in self._store.list("") if name not in {"LOCK", "tmp"}]
        found = self._sealed(SETTINGS_FILE)
        if found is None and present and SETTINGS_FILE not in present:
            raise ConfigError(
                f"{self._store.location} holds {present[0]}; name a new or empty directory with --output"
            )
        if found is None and present:
            raise ConfigError(
                f"{self._store.location}/{SETTINGS_FILE} is damaged; name a new directory with --output"
            )
        wanted = json.loads(json.dumps(self._settings()))
        changed = [name for name, value in wanted.items() if found is not None and found.get(name) != value]
        if changed:
            raise ConfigError(
                f"{self._store.location} was begun with another {' and '.join(changed)}; name a new directory with "
                "--output, or give what it was begun with"
            )

    def _sealed(self, name: str) -> dict[str, Any] | None:
        try:
            return unseal(self._store.read(name))
        except (*_MISSING, DamagedError):
            return None

    def _checkpoints(self) -> dict[int, str]:
        matches = (_CHECKPOINT.fullmatch(name) for name in self._store.list(""))
        return {int(match[1]): match[0] for match in matches if match is not None}

    def _checkpoint(self) -> tuple[int, bytes | None]:
        """Returns how many epochs are done, and what goes on from there."""
        kept = self._checkpoints()
        return (max(kept), self._store.read(kept[max(kept)])) if kept else (0, None)

    def _keep_checkpoint(self, epoch: int, content: bytes) -> None:
        earlier = self._checkpoints()
        self._store.create(f"checkpoint-{epoch:06d}.safetensors", content)
        for name in earlier.values():
            self._store.delete(name)
