"""Families of related tasks: episodes to which one start adapts from a few examples of each."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated, NamedTuple

import numpy as np
from pydantic import Field, PositiveInt

from evo_nas.data.options import Seed, StrictOptions
from evo_nas.data.splitting import PARTS
from evo_nas.errors import DataError
from evo_nas.tasks.dataset import Dataset, EpisodeSize, Sequences
from evo_nas.tasks.example_sums import Scored

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from evo_nas.tasks.baselines.fitting import Fit

MOST_VALUES = 2**29
"""Largest number of values of all training episodes, 2 GiB."""


class Episode(NamedTuple):
    """One small task: a few examples to learn from, and others whose targets are to be predicted."""

    support: Sequences
    query: Sequences


class FamilyOptions(StrictOptions):
    """Options of a family of related tasks; only meta-learning reads them.

    Attributes:
        shots: Examples of a task that a network adapts to.
        queries: Examples of a task that it is measured on afterwards.
        episodes: Episodes of the training part; the other parts have a quarter of it each.
        seed: Seed of their drawing.
    """

    shots: PositiveInt = 10
    queries: PositiveInt = 10
    episodes: Annotated[int, Field(ge=4, le=100_000)] = 1000
    seed: Seed = 0

    def count(self, part: str) -> int:
        """Returns the number of episodes of a part."""
        return self.episodes if part == "train" else self.episodes // 4

    def rng(self, part: str) -> np.random.Generator:
        """Returns what draws the episodes of a part, whatever is drawn for the others."""
        return np.random.default_rng([self.seed, PARTS.index(part)])


def family_dataset(
    episodes: Mapping[str, Sequence[Episode]], *, remarks: Sequence[str] = (), **facts: Any
) -> Dataset:
    """Returns a data set whose parts hold one episode after the other, each its support and then its query.

    Args:
        episodes: The episodes of each part; all are of one size.
        remarks: How the files were understood, one sentence each.
        facts: The other fields of the data set.
    """
    first = episodes["train"][0]
    size = EpisodeSize(len(first.support), len(first.query))
    train, validation, test = (_joined(episodes[part]) for part in PARTS)
    said = f"a network adapts to {size.support} examples of a task and is measured on {size.query} others"
    return Dataset(
        train=train, validation=validation, test=test, episodes=size, remarks=(said, *remarks), **facts
    )


def check_size(episodes: int, examples: int, example: int, *, field: str) -> None:
    """Checks that the training episodes fit into the memory.

    Args:
        episodes: How many there are.
        examples: Examples of each.
        example: Values of an example.
        field: The options that could be lowered, for the message.

    Raises:
        DataError: They do not.
    """
    values = episodes * examples * example
    if values > MOST_VALUES:
        raise DataError(
            f"{field} is {episodes:,}, which are {values:,} values of {example:,} an example; "
            f"at most {MOST_VALUES:,} fit: lower episodes, shots or queries"
        )


def support_mean(dataset: Dataset) -> dict[str, Fit]:
    """Returns the simple model that predicts the mean of the targets that an episode shows."""
    return {"mean of the shots": partial(_score_of_support_mean, dataset)}


def _score_of_support_mean(dataset: Dataset) -> Scored:
    test, size = dataset.test, dataset.episodes
    assert isinstance(test, Sequences)
    assert size is not None
    targets = test.targets.reshape(-1, size.examples, test.targets.shape[-1])
    shown, asked = targets[:, : size.support], targets[:, size.support :]
    known = ~np.isnan(shown)
    # A target that no shot knows is guessed as 0, the mean of what was standardised.
    means = np.where(known, shown, 0.0).sum(axis=1, keepdims=True) / np.maximum(
        known.sum(axis=1, keepdims=True), 1
    )
    guesses = np.broadcast_to(means, asked.shape)
    flat = (len(targets) * size.query, targets.shape[-1])
    return Scored.of(dataset.metric, guesses.reshape(flat).astype(np.float32), asked.reshape(flat))


def _joined(episodes: Sequence[Episode]) -> Sequences:
    examples = [examples for episode in episodes for examples in episode]
    return Sequences(
        np.concatenate([each.inputs for each in examples]),
        np.concatenate([each.targets for each in examples]),
    )
