"""Adds as many cuts to a data set as a configuration asks for."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from evo_nas.errors import ConfigError
from evo_nas.tasks.cuts.series import EarlierBlocks
from evo_nas.tasks.cuts.texts import EarlierPieces
from evo_nas.tasks.dataset import Sequences, Windows

if TYPE_CHECKING:
    from evo_nas.tasks.dataset import Dataset, Resampling


def with_cuts(dataset: Dataset, cuts: int) -> Dataset:
    """Returns ``dataset`` with ``cuts`` cuts in all, its own included; those that it has already are kept.

    Raises:
        ConfigError: It cannot give so many.
    """
    if cuts == 1:
        return dataset if dataset.resampling is None else replace(dataset, resampling=None)
    if len(dataset.cuts) >= cuts - 1:
        return replace(dataset, cuts=dataset.cuts[: cuts - 1], resampling=None)
    resampling = _resampling_of(dataset)
    if resampling is None:
        raise ConfigError(
            f"validation.cuts is {cuts}, but {dataset.name} does not say how its examples may be drawn anew, such as "
            "with whole groups; set it to 1, or give the data set a resampling"
        )
    found = resampling.cuts(dataset, cuts - 1)
    if len(found) < cuts - 1:
        remedy = "lower it" if found else "set it to 1"
        raise ConfigError(
            f"validation.cuts is {cuts}, but {dataset.name} can give {1 + len(found)}, the first included, since "
            f"{resampling.limit(dataset)}; {remedy}, or change how the data are split"
        )
    # What decides the cuts is not sent to workers.
    return replace(dataset, cuts=tuple(found), resampling=None)


def with_most_cuts(dataset: Dataset, cuts: int) -> tuple[Dataset, str]:
    """Returns ``dataset`` with ``cuts`` cuts or as many as there are, its own included, and why there are not more.

    Args:
        dataset: A data set as its task gives it, with what its cuts are made of.
        cuts: The most that are wanted.
    """
    if len(dataset.cuts) >= cuts - 1:
        return with_cuts(dataset, cuts), ""
    resampling = _resampling_of(dataset)
    if resampling is None:
        return dataset, "the data set does not say how its examples may be drawn anew"
    found = tuple(resampling.cuts(dataset, cuts - 1))
    limit = "" if len(found) == cuts - 1 else resampling.limit(dataset)
    return replace(dataset, cuts=found, resampling=None), limit


def _resampling_of(dataset: Dataset) -> Resampling | None:
    if dataset.resampling is not None or isinstance(dataset.train, Sequences):
        return dataset.resampling
    return EarlierBlocks() if isinstance(dataset.train, Windows) else EarlierPieces()
