"""Takes some of many examples at random: rows, whole groups, or one of several folds."""

from __future__ import annotations

from collections import Counter
from difflib import get_close_matches
from typing import TYPE_CHECKING

import numpy as np

from evo_nas.data.examples import enumerated
from evo_nas.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Positions = npt.NDArray[np.int64]
    Groups = npt.NDArray[np.str_]


def drawn_rows(source: str, strata: Sequence[str] | None, total: int, count: int, *, seed: int) -> Positions:
    """Returns ``count`` ascending positions below ``total``, with the shares of ``strata`` if there are any."""
    from sklearn.model_selection import train_test_split  # noqa: PLC0415 - 1.5 s, paid only where rows are drawn

    if strata is not None:
        # Scikit-learn refuses these two as well, but does not name the class or the remedy.
        _check_rare(source, strata, least=2, reason="a class needs one on each side of a split")
        smallest = min(count, total - count)
        if smallest < len(set(strata)):
            raise DataError(
                f"{source}: a part of {smallest} examples cannot hold all {len(set(strata))} classes; supply "
                "more, or set split.stratified to false"
            )
    _, held_out = train_test_split(np.arange(total), test_size=count, stratify=strata, random_state=seed)
    return np.sort(held_out)


def drawn_groups(source: str, groups: Groups, count: int, *, seed: int) -> Positions:
    """Returns the ascending positions of whole groups, drawn until they have at least ``count`` examples.

    Args:
        source: Where the examples come from, for messages.
        groups: Name of the group of each example, ``(n,)``.
        count: Examples that are wanted; whole groups seldom add up to it, so that a little more are taken.
        seed: Seed of the drawing.
    """
    names = np.unique(groups)
    # Names are sorted by np.unique before they are shuffled: the file's order must not decide what is drawn.
    order = np.random.default_rng(seed).permutation(names)
    sizes = np.cumsum([np.count_nonzero(groups == name) for name in order])
    chosen = order[: int(np.searchsorted(sizes, count)) + 1]
    if len(chosen) >= len(names):
        raise DataError(
            f"{source}: a part of {count} examples would need all groups that are left, {enumerated(names.tolist())}; "
            "lower it, or name groups in split.test_groups and split.validation_groups"
        )
    return np.flatnonzero(np.isin(groups, chosen))


def drawn_fold(
    source: str,
    strata: Sequence[str] | None,
    groups: Groups | None,
    total: int,
    *,
    folds: int,
    fold: int,
    seed: int,
) -> Positions:
    """Returns the ascending positions of fold number ``fold`` of ``folds``, which together are all ``total``."""
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold  # noqa: PLC0415 - as above

    units, what = (total, "examples") if groups is None else (len(np.unique(groups)), "groups")
    if units < folds:
        raise DataError(f"{source} has {units} {what}; split.folds is {folds}: lower it")
    if strata is not None:
        _check_rare(source, strata, least=folds, reason=f"split.folds is {folds}")
    # With a single class the stratified folds are plain ones, and those of groups have about the same sizes.
    kinds = np.zeros(total) if strata is None else np.array(strata)
    kind = StratifiedKFold if groups is None else StratifiedGroupKFold
    cutter = kind(n_splits=folds, shuffle=True, random_state=seed)
    return np.sort([held_out for _, held_out in cutter.split(kinds, kinds, groups)][fold - 1])


def by_name(source: str, groups: Groups | None, names: Sequence[str], *, key: str) -> Positions:
    """Returns the ascending positions of the examples of the groups ``names``, which the option ``key`` gives."""
    present = [] if groups is None else np.unique(groups).tolist()
    for name in names:
        if name not in present:
            near = get_close_matches(name, present, n=1, cutoff=0.0)
            guess = f"; did you mean {near[0]!r}?" if near else ""
            raise DataError(f"{source}: {key} names {name!r}, but no example is of that group{guess}")
    return np.flatnonzero(np.isin([] if groups is None else groups, names))


def _check_rare(source: str, strata: Sequence[str], *, least: int, reason: str) -> None:
    for name, count in Counter(strata).items():
        if count < least:
            raise DataError(
                f"{source}: class {name!r} has {'a single example' if count == 1 else f'{count} examples'}, but "
                f"{reason}; supply more, leave the class out or set split.stratified to false"
            )
