"""Few-shot classification: classes that training never saw, from a few examples of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, NamedTuple

import numpy as np
from pydantic import Field, PositiveInt

from evo_nas.errors import DataError
from evo_nas.genome.architecture import Signature
from evo_nas.tasks.classification import SequenceOptions, read_files
from evo_nas.tasks.metrics import CLASSIFICATION
from evo_nas.tasks.opponents import LEAST_LOGIT, majority
from evo_nas.tasks.scaling import Scaler
from evo_nas.tasks.task import Dataset, Loss, Sequences, Task

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy.typing as npt

    ByClass = Mapping[str, npt.NDArray[np.float32]]


class FewShotOptions(SequenceOptions):
    """Options of the task ``few_shot``, beside those of ``classification``.

    Its ``split`` draws classes, not rows.

    Attributes:
        ways: Classes of an episode.
        shots: Labelled examples of each.
        queries: Examples of an episode to be told.
        episodes: Episodes of the training part; the others have a quarter of it each.
    """

    ways: Annotated[int, Field(ge=2, le=100)] = 2
    shots: PositiveInt = 3
    queries: PositiveInt = 4
    episodes: Annotated[int, Field(ge=4)] = 1000


class Episode(NamedTuple):
    """One small classification problem: a few labelled sequences, and others to be told."""

    support: Sequences
    query: Sequences


class FewShotTask(Task):
    """Episodes over classes that no two parts share.

    `load` gives every episode as one sequence for a network that learns to learn (Santoro et al., 2016): a step is
    an example, flattened, beside the label of the example before; the queries come last, and they alone count.
    `episodes` gives the same problems as supports and queries, for a meta-learned initialisation.
    """

    kind = "few_shot"
    Options = FewShotOptions

    def __init__(self, options: FewShotOptions) -> None:
        self._options = options

    def files(self) -> list[Path]:
        """Returns the files of examples."""
        return self._options.files()

    def load(self) -> Dataset:
        """Reads the examples and draws the episodes; see `Task.load`."""
        ways = self._options.ways
        train, validation, test = (self._joined(part) for part in ("train", "validation", "test"))
        return Dataset(
            name=f"{ways}-way {self._options.shots}-shot classification",
            signature=Signature(train.inputs.shape[2], ways, per_step=True),
            loss=Loss.CROSS_ENTROPY,
            metric=CLASSIFICATION[self._options.metric],
            train=train,
            validation=validation,
            test=test,
            causal=True,
        )

    def baselines(self) -> dict[str, float]:
        """Returns the test metric of the most frequent label, and of the nearest of the few labelled examples."""
        ways, metric = self._options.ways, CLASSIFICATION[self._options.metric]
        found, wanted = [], []
        for support, query in self.episodes("test"):
            known, asked = (
                part.inputs.reshape(len(part), 1, -1).astype(np.float64) for part in (support, query)
            )
            nearest = np.square(asked - known.transpose(1, 0, 2)).sum(axis=-1).argmin(axis=1)
            found.append(support.targets[nearest])
            wanted.append(query.targets)
        told = np.concatenate([query.targets for _, query in self.episodes("train")]).astype(np.int64)
        targets = np.concatenate(wanted).astype(np.int64)
        logits = np.where(np.eye(ways, dtype=np.bool_), 0.0, LEAST_LOGIT)[np.concatenate(found)]
        return {
            "majority": majority(told, targets, metric=metric, classes=ways),
            "nearest neighbour": metric.score(logits.astype(np.float32), targets),
        }

    def episodes(self, part: str) -> list[Episode]:
        """Returns the episodes of ``train``, ``validation`` or ``test``."""
        options, number = self._options, ("train", "validation", "test").index(part)
        rng = np.random.default_rng([options.split.seed, number])
        classes = self._classes()[part]
        count = options.episodes if part == "train" else options.episodes // 4
        return [self._episode(classes, rng) for _ in range(count)]

    def _episode(self, classes: ByClass, rng: np.random.Generator) -> Episode:
        options = self._options
        names = rng.permutation(sorted(classes))[: options.ways]
        asked = rng.integers(0, options.ways, options.queries)
        needed = options.shots + np.bincount(asked, minlength=options.ways)
        drawn = [
            classes[name][rng.permutation(len(classes[name]))[:number]]
            for name, number in zip(names, needed, strict=True)
        ]
        shots = options.shots
        order = rng.permutation(options.ways * shots)
        support = np.concatenate([examples[:shots] for examples in drawn])[order]
        labels = np.repeat(np.arange(options.ways), shots)[order]
        query = np.concatenate([examples[shots:] for examples in drawn])
        wanted = np.repeat(np.arange(options.ways), needed - shots)
        mixed = rng.permutation(len(query))
        return Episode(Sequences(support, labels), Sequences(query[mixed], wanted[mixed]))

    def _joined(self, part: str) -> Sequences:
        inputs, targets = [], []
        for support, query in self.episodes(part):
            examples = np.concatenate([support.inputs, query.inputs])
            labels = np.concatenate([support.targets, query.targets])
            told = np.zeros((len(labels), self._options.ways), dtype=np.float32)
            told[np.arange(1, len(support) + 1), support.targets] = 1.0
            inputs.append(np.concatenate([examples.reshape(len(examples), -1), told], axis=1))
            targets.append(labels)
        scored = np.zeros((len(inputs), len(targets[0])), dtype=np.bool_)
        scored[:, -self._options.queries :] = True
        return Sequences(
            np.stack(inputs).astype(np.float32), np.stack(targets).astype(np.int64), scored=scored
        )

    def _classes(self) -> dict[str, ByClass]:
        """Returns the standardised examples of each class of each part."""
        options = self._options
        examples = read_files(options, label_a_step=False)["train"]
        if len({len(item) for item in examples.items}) > 1:
            raise DataError(f"{examples.source}: few_shot needs sequences of one length; these differ")
        labels = np.array([str(label) for label in examples.labels])
        names = np.random.default_rng(options.split.seed).permutation(np.unique(labels))
        most = options.shots + options.queries
        for name in names:
            if np.count_nonzero(labels == name) < most:
                raise DataError(
                    f"{examples.source}: class {name!r} has fewer than {most} examples; shots and queries need them"
                )
        if len(names) < 3 * options.ways:
            raise DataError(
                f"{examples.source} has {len(names)} classes; three parts of {options.ways} ways need "
                f"{3 * options.ways}: lower ways"
            )
        held_out = max(options.ways, len(names) // 5)
        parts = {
            "test": names[:held_out],
            "validation": names[held_out : 2 * held_out],
            "train": names[2 * held_out :],
        }
        values = np.stack(examples.items)
        scaler = Scaler.fitted(values[np.isin(labels, parts["train"])])
        return {
            part: {str(name): scaler(values[labels == name]) for name in some} for part, some in parts.items()
        }
