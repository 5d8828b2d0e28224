"""A family of series: to forecast each is a task of its own, and none is in two parts.

A task's shots are forecasts of its training rows, and its queries are forecasts of the rows after them. Each series is
standardised with its own training rows, so that a network adapts to its course and not to its level.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from evo_nas.data.splitting import HELD_OUT, PARTS
from evo_nas.errors import ConfigError, DataError
from evo_nas.tasks.dataset import Objective, Sequences, Windows
from evo_nas.tasks.example_sums import Scored
from evo_nas.tasks.family import Episode, check_size, family_dataset, support_mean
from evo_nas.tasks.forecast import forecast_of
from evo_nas.tasks.metrics import ERRORS
from evo_nas.tasks.task import Prepared

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from evo_nas.data.series import Series
    from evo_nas.data.series_files import SeriesFiles
    from evo_nas.tasks.dataset import Dataset
    from evo_nas.tasks.forecast import ForecastOptions


class _SeriesTask(NamedTuple):
    """The windows of one series: those to learn from, and those that come later."""

    shown: Windows
    asked: Windows


def series_family(files: SeriesFiles, options: ForecastOptions) -> Prepared:
    """Returns episodes of which each is about one of several series.

    Args:
        files: The series; those that have a part of their own stay in it, and the others are drawn.
        options: What is forecast from what, and how many episodes there are.

    Raises:
        ConfigError: The options have what a family cannot serve.
        DataError: There are too few series, or some are too short.
    """
    _check_options(options)
    by_part = _drawn(files.by_part, options)
    tasks: dict[str, list[_SeriesTask]] = {part: [] for part in PARTS}
    datasets: list[Dataset] = []
    for part, some in by_part.items():
        for series in some:
            dataset = _alone(files, series, options)
            if dataset is not None:
                tasks[part].append(_task_of(dataset, options))
                datasets.append(dataset)
    for part, found in tasks.items():
        if not found:
            raise DataError(f"every series of the {part} part is too short; lower window and horizon")
    signature = datasets[0].signature
    example = signature.steps * signature.features
    family = options.family
    check_size(family.episodes, family.shots + family.queries, example, field="task.family.episodes")
    dataset = family_dataset(
        {part: _episodes(found, part, options) for part, found in tasks.items()},
        name=f"a family of {sum(map(len, tasks.values()))} series",
        signature=signature,
        objective=Objective.MSE,
        metric=ERRORS[options.metric],
        remarks=tuple(f"{len(found):,} series are in the {part} part" for part, found in tasks.items()),
        has_target_holes=any(each.has_target_holes for each in datasets),
    )
    persistence = {"persistence": partial(_score_of_last, dataset)} if signature.last_values else {}
    return Prepared.of(dataset, dataset.parts, lambda _: persistence | support_mean(dataset))


def _check_options(options: ForecastOptions) -> None:
    if options.metric not in ERRORS:
        raise ConfigError(
            f"task.metric is {options.metric}, whose unit differs from series to series; for a family it must be one "
            f"of {', '.join(ERRORS)}, in deviations of each series"
        )
    if options.quantiles:
        raise ConfigError(
            f"task.quantiles is {list(options.quantiles)}; a family forecasts one value: leave it out"
        )


def _drawn(given: Mapping[str, Sequence[Series]], options: ForecastOptions) -> dict[str, list[Series]]:
    """Returns the series of each part; a fifth of those without a part of their own is drawn for each held-out one."""
    pool = list(given["train"])
    missing = [part for part in HELD_OUT if not given.get(part)]
    if len(pool) <= len(missing):
        raise DataError(
            f"task.path has {len(pool)} series; a family of them needs at least {len(missing) + 1}, so that none is in "
            "two parts"
        )
    order = np.random.default_rng(options.family.seed).permutation(len(pool)).tolist()
    each = max(1, len(pool) // 5)
    parts = {part: list(given.get(part, ())) for part in HELD_OUT}
    for part in missing:
        parts[part] = [pool[order.pop()] for _ in range(each)]
    return {**parts, "train": [pool[index] for index in sorted(order)]}


def _alone(files: SeriesFiles, series: Series, options: ForecastOptions) -> Dataset | None:
    """Returns the forecast of one series; None if it is too short and such series are left out."""
    try:
        return forecast_of(
            replace(files, by_part={"train": [series]}), options, filling=options.filling
        ).dataset
    except DataError:
        if options.short == "drop":
            return None
        raise


def _task_of(dataset: Dataset, options: ForecastOptions) -> _SeriesTask:
    parts = [part for part in dataset.parts.values() if isinstance(part, Windows)]
    shown, *later = parts
    asked = replace(shown, origins=np.concatenate([part.origins for part in later]))
    for name, windows, needed in (
        ("shots", shown, options.family.shots),
        ("queries", asked, options.family.queries),
    ):
        if len(windows) < needed:
            raise DataError(
                f"task.family.{name} is {needed}, but {dataset.name} has a series with {len(windows)} windows for "
                "them; lower it, or give longer series"
            )
    return _SeriesTask(shown, asked)


def _episodes(tasks: Sequence[_SeriesTask], part: str, options: ForecastOptions) -> list[Episode]:
    family = options.family
    rng = family.rng(part)
    return [
        Episode(_some(task.shown, family.shots, rng), _some(task.asked, family.queries, rng))
        for task in (tasks[int(rng.integers(len(tasks)))] for _ in range(family.count(part)))
    ]


def _some(windows: Windows, count: int, rng: np.random.Generator) -> Sequences:
    chosen = rng.choice(len(windows), size=count, replace=False)
    return replace(windows, origins=windows.origins[chosen]).cut()


def _score_of_last(dataset: Dataset) -> Scored:
    """Tests forecasts that repeat the last value."""
    test, size = dataset.test, dataset.episodes
    assert isinstance(test, Sequences)
    assert size is not None
    asked = np.flatnonzero(np.arange(len(test)) % size.examples >= size.support)
    columns = list(dataset.signature.last_values)
    last = test.inputs[asked, -1][:, columns].astype(np.float32)
    steps = test.targets.shape[1] // len(columns)
    return Scored.of(dataset.metric, np.tile(last, steps), test.targets[asked])
