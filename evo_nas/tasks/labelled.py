"""The base of tasks on labelled examples: options and the data set of three labelled parts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from evo_nas.data.sources import SourceOptions
from evo_nas.data.splitting import SplitOptions
from evo_nas.data.statistics import NOTHING_LEARNT, Statistics
from evo_nas.errors import DataError
from evo_nas.tasks.cuts.examples import ExampleResampling
from evo_nas.tasks.dataset import Dataset, Objective
from evo_nas.tasks.metrics import CLASSIFICATION, ClassificationMetric

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from evo_nas.data.examples import Examples, Item
    from evo_nas.data.labelled_parts import LabelledParts
    from evo_nas.data.table import Table
    from evo_nas.genome.architecture import Signature
    from evo_nas.tasks.dataset import Sequences


class LabelledOptions(SourceOptions):
    """Options that all tasks on labelled examples share.

    Attributes:
        group: Column with the name of what must stay together in a split, such as a person: whole groups are drawn.
        split: How the examples are divided into parts.
        class_weights: ``balanced`` lets rare classes count as much as frequent ones in training.
        metric: What search optimises.
    """

    group: str | None = None
    split: SplitOptions = SplitOptions()
    class_weights: Literal["none", "balanced"] = "none"
    metric: ClassificationMetric = "accuracy"

    def examples(
        self, read: Callable[[Path], Examples[Item]], of_table: Callable[[Table], Examples[Item]]
    ) -> dict[str, Examples[Item]]:
        """Returns the examples of each part that has examples of its own; see `SourceOptions.examples`.

        Raises:
            DataError: Something cannot be read, or a group is named for files that have none.
        """
        files = super().examples(read, of_table)
        for examples in files.values():
            if self.group is not None and examples.groups is None:
                raise DataError(
                    f"{examples.source}: group is {self.group!r}, but a file of this kind has no column for it; leave "
                    "group out, or give a table"
                )
        return files


def labelled_dataset(
    name: str,
    parts: LabelledParts[Item],
    sequences: Callable[[Examples[Item]], Sequences],
    *,
    signature: Signature,
    options: LabelledOptions,
    vocabulary: tuple[str, ...] = (),
    statistics: Statistics = NOTHING_LEARNT,
) -> Dataset:
    """Returns the data set of labelled parts.

    Args:
        name: A name for displays.
        parts: The examples.
        sequences: Makes arrays from the examples of a part.
        signature: Shape of the networks that fit.
        options: Metric and class weights.
        vocabulary: Token of each id, where inputs are tokens.
        statistics: What of the inputs was learnt from the training part.
    """
    is_balanced = options.class_weights == "balanced"
    return Dataset(
        name=name,
        signature=signature,
        objective=Objective.CROSS_ENTROPY,
        metric=CLASSIFICATION[options.metric],
        train=sequences(parts.train),
        validation=sequences(parts.validation),
        test=sequences(parts.test),
        class_weights=parts.balanced_weights(per_step=signature.per_step) if is_balanced else None,
        classes=parts.classes,
        vocabulary=vocabulary,
        groups=parts.groups,
        remarks=parts.train.remarks,
        missing=parts.train.missing,
        statistics=replace(statistics, weights=is_balanced),
        resampling=ExampleResampling(parts.redrawing),
    )
