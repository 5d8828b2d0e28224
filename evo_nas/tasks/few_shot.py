"""Few-shot classification: classes that training never saw, from a few examples of each."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from pydantic import Field, PositiveInt, model_validator

from evo_nas.data.examples import enumerated, joined
from evo_nas.data.features import Features
from evo_nas.data.split_remarks import natural
from evo_nas.data.splitting import PARTS, SplitOptions
from evo_nas.errors import DataError
from evo_nas.genome.architecture import Signature
from evo_nas.tasks.baselines.classifiers import majority
from evo_nas.tasks.baselines.fitted_models import LEAST_LOGIT
from evo_nas.tasks.classification import SequenceOptions, read_files
from evo_nas.tasks.dataset import Dataset, Objective, Sequences
from evo_nas.tasks.example_sums import Scored
from evo_nas.tasks.family import Episode, check_size, family_dataset
from evo_nas.tasks.few_shot_cuts import Classes, OtherClasses
from evo_nas.tasks.metrics import CLASSIFICATION
from evo_nas.tasks.numeric_files import NumericTask
from evo_nas.tasks.task import Prepared

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import Self

    import numpy.typing as npt

    from evo_nas.data.examples import Examples
    from evo_nas.tasks.baselines.fitting import Fit, TrainTest
    from evo_nas.tasks.few_shot_cuts import ByClass


class FewShotOptions(SequenceOptions):
    """Options of the task ``few_shot``, beside those of ``classification``.

    The classes of one part are in no other: of ``split`` only the seed counts, and parts have no files of their own.

    Attributes:
        ways: Classes of an episode.
        shots: Labelled examples of each class.
        queries: Examples of an episode whose classes are to be predicted.
        episodes: Episodes of the training part; the other parts have a quarter of it each.
    """

    ways: Annotated[int, Field(ge=2, le=100)] = 2
    shots: PositiveInt = 3
    queries: PositiveInt = 4
    episodes: Annotated[int, Field(ge=4, le=100_000)] = 1000

    @model_validator(mode="after")
    def _draws_classes(self) -> Self:
        named = [name for name in ("validation_path", "test_path") if getattr(self, name)]
        default = SplitOptions(seed=self.split.seed)
        named += [
            f"split.{name}"
            for name in SplitOptions.model_fields
            if getattr(self.split, name) != getattr(default, name)
        ]
        if named:
            raise ValueError(
                f"{named[0]} is given, but few_shot draws whole classes for each part, and only split.seed counts; "
                "leave it out"
            )
        return self


class FewShotTask(NumericTask[FewShotOptions]):
    """Episodes over classes that no two parts share.

    `read` gives every episode as one sequence for a network that learns to learn (Santoro et al., 2016): a step is
    an example, flattened, beside the label of the example before; the queries come last, and only they count.
    `family` gives the same problems as supports and queries, for meta-learnt initial weights.
    """

    kind = "few_shot"
    Options = FewShotOptions

    @classmethod
    def sample(cls, folder: Path) -> Self:
        """Returns 40 episodes over 8 classes of 12 sequences each."""
        path = folder / "shapes.npz"
        labels = np.repeat(np.arange(8), 12)
        values = np.random.default_rng(0).normal(size=(96, 5, 2)) + labels[:, None, None]
        np.savez(path, x=values, y=labels)
        return cls(FewShotOptions(path=(path,), episodes=40))

    def read(self) -> Prepared:
        """Reads the examples and draws the episodes; see `Task.read`."""
        ways, classes = self.options.ways, self._classes()
        episodes = self._drawn_of(classes)
        parts = {part: self.as_sequences(some) for part, some in episodes.items()}
        dataset = Dataset(
            name=f"{ways}-way {self.options.shots}-shot classification",
            signature=Signature(parts["train"].inputs.shape[2], ways, per_step=True),
            objective=Objective.CROSS_ENTROPY,
            metric=CLASSIFICATION[self.options.metric],
            train=parts["train"],
            validation=parts["validation"],
            test=parts["test"],
            causal=True,
            remarks=classes.remarks,
            resampling=OtherClasses(self, classes),
        )
        return Prepared.of(dataset, episodes, self._baselines)

    def family(self) -> Prepared:
        """Reads the same episodes for networks that read one example at a time; see `Task.family`."""
        ways, classes = self.options.ways, self._classes()
        episodes = self._drawn_of(classes)
        dataset = family_dataset(
            episodes,
            name=f"{ways}-way {self.options.shots}-shot classification by adapting",
            signature=Signature(episodes["train"][0].support.inputs.shape[2], ways),
            objective=Objective.CROSS_ENTROPY,
            metric=CLASSIFICATION[self.options.metric],
            remarks=classes.remarks,
        )
        return Prepared.of(dataset, episodes, self._baselines)

    def episodes(self) -> dict[str, list[Episode]]:
        """Reads the examples and returns the episodes of each part.

        Raises:
            DataError: Examples cannot be read, or there are too few classes or examples.
        """
        return self._drawn_of(self._classes())

    def _drawn_of(self, classes: Classes) -> dict[str, list[Episode]]:
        self._check_size(classes)
        return self.drawn(classes.by_part)

    def _check_size(self, classes: Classes) -> None:
        options = self.options
        example = next(iter(classes.by_part["train"].values()))[0]
        examples = options.ways * options.shots + options.queries
        check_size(options.episodes, examples, example.size, field="task.episodes")

    def _baselines(self, both: TrainTest[list[Episode]]) -> dict[str, Fit]:
        """Returns what fits the most frequent label, and the nearest of the few labelled examples."""
        targets = both.map(lambda some: np.concatenate([query.targets for _, query in some]).astype(np.int64))
        options: dict[str, Any] = {
            "metric": CLASSIFICATION[self.options.metric],
            "classes": self.options.ways,
        }
        return {
            "majority": partial(majority, *targets, **options),
            "nearest neighbour": partial(self._score_of_nearest, both.test, targets.test),
        }

    def _score_of_nearest(self, episodes: list[Episode], wanted: npt.NDArray[np.int64]) -> Scored:
        found = []
        for support, query in episodes:
            known, asked = (
                part.inputs.reshape(len(part), 1, -1).astype(np.float64) for part in (support, query)
            )
            nearest = np.square(asked - known.transpose(1, 0, 2)).sum(axis=-1).argmin(axis=1)
            found.append(support.targets[nearest])
        logits = np.where(np.eye(self.options.ways, dtype=np.bool_), 0.0, LEAST_LOGIT)[np.concatenate(found)]
        return Scored.of(CLASSIFICATION[self.options.metric], logits.astype(np.float32), wanted)

    def drawn(self, by_part: Mapping[str, ByClass], cut: int = 0) -> dict[str, list[Episode]]:
        """Returns the episodes of each part; those of the test part are about the same examples in every cut."""
        return {part: self._drawn(part, examples, cut) for part, examples in by_part.items()}

    def _drawn(self, part: str, classes: ByClass, cut: int) -> list[Episode]:
        # Each part has a stream of its own, so that more training episodes change no test episode.
        key = [self.options.split.seed, PARTS.index(part)]
        rng = np.random.default_rng([*key, cut] if cut and part != "test" else key)
        count = self.options.episodes if part == "train" else self.options.episodes // 4
        return [self._episode(classes, rng) for _ in range(count)]

    def _episode(self, classes: ByClass, rng: np.random.Generator) -> Episode:
        options = self.options
        names = rng.permutation(sorted(classes))[: options.ways]
        # Classes of queries are drawn independently: equal numbers would let the last query be counted out.
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

    def as_sequences(self, episodes: list[Episode]) -> Sequences:
        """Returns each episode as one sequence ``(shots and queries, values and labels)``."""
        inputs, targets = [], []
        for support, query in episodes:
            examples = np.concatenate([support.inputs, query.inputs])
            labels = np.concatenate([support.targets, query.targets])
            given = np.zeros((len(labels), self.options.ways), dtype=np.float32)
            # One step later: a step that held its own label would have nothing to predict.
            given[np.arange(1, len(support) + 1), support.targets] = 1.0
            inputs.append(np.concatenate([examples.reshape(len(examples), -1), given], axis=1))
            targets.append(labels)
        scored = np.zeros((len(inputs), len(targets[0])), dtype=np.bool_)
        scored[:, -self.options.queries :] = True
        return Sequences(
            np.stack(inputs).astype(np.float32), np.stack(targets).astype(np.int64), scored=scored
        )

    def _classes(self) -> Classes:
        """Returns the standardised examples of each class of each part, in the order of `PARTS`."""
        options = self.options
        # A data set may have parts of its own; their classes are drawn anew.
        examples = joined(list(read_files(options, label_per_step=False).values()))
        if len({len(item) for item in examples.items}) > 1:
            raise DataError(f"{examples.source}: few_shot needs sequences of one length; these differ")
        labels = np.array([str(label) for label in examples.labels])
        names = np.random.default_rng(options.split.seed).permutation(np.unique(labels))
        # One class may have to give all queries of an episode beside its own shots.
        most = options.shots + options.queries
        for name in names.tolist():
            if np.count_nonzero(labels == name) < most:
                raise DataError(
                    f"{examples.source}: class {name!r} has fewer than {most} examples; shots and queries need them"
                )
        if len(names) < 3 * options.ways:
            raise DataError(
                f"{examples.source} has {len(names)} classes; three parts of {options.ways} ways need "
                f"{3 * options.ways}: lower ways"
            )
        # A fifth of the classes for each held-out part, but at least those of one episode.
        held_out = max(options.ways, len(names) // 5)
        parts = {
            "train": names[2 * held_out :],
            "validation": names[held_out : 2 * held_out],
            "test": names[:held_out],
        }
        _check_groups(examples, parts)
        chosen = {part: np.flatnonzero(np.isin(labels, some)) for part, some in parts.items()}
        of_part = {part: examples.chosen(where) for part, where in chosen.items()}
        features = Features.fitted(list(of_part.values()), options.missing)
        inputs = {part: np.stack(features.inputs(some)) for part, some in of_part.items()}
        by_part = {
            part: {str(name): inputs[part][labels[chosen[part]] == name] for name in some}
            for part, some in parts.items()
        }
        said = (
            f"the classes of {part} are {enumerated(sorted(some, key=natural))}"
            for part, some in by_part.items()
        )
        groups = {
            str(name): frozenset(np.array(examples.groups)[labels == name].tolist())
            if examples.groups is not None
            else frozenset[str]()
            for name in names
        }
        remarks = (*examples.remarks, *features.remarks, *said)
        return Classes(by_part, remarks, features.statistics, groups)


def _check_groups(
    examples: Examples[npt.NDArray[np.float64]], parts: Mapping[str, npt.NDArray[np.str_]]
) -> None:
    """Refuses a group that has classes in two parts: classes are drawn, so that it could not be kept together."""
    part_of = {str(name): part for part, names in parts.items() for name in names}
    seen: dict[str, str] = {}
    for group, label in zip(examples.groups or (), examples.labels, strict=examples.groups is not None):
        part = part_of[str(label)]
        if seen.setdefault(group, part) != part:
            raise DataError(
                f"{examples.source}: group {group!r} has classes in the {seen[group]} and in the {part} part; few_shot "
                "draws classes: leave `group` out, or give a class to one group only"
            )
