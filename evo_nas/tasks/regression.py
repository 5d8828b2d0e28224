"""Regression: numbers that are predicted from whole numeric sequences."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field, PositiveInt, model_validator

from evo_nas.data.features import Features
from evo_nas.data.labelled_parts import split_files
from evo_nas.data.options import Names
from evo_nas.data.padding import padded
from evo_nas.data.sources import SourceOptions
from evo_nas.data.splitting import PARTS, SplitOptions
from evo_nas.tasks.baselines.keeping import Keeping
from evo_nas.tasks.baselines.regressors import regression_baselines
from evo_nas.tasks.dataset import Sequences
from evo_nas.tasks.metrics import RegressionMetric
from evo_nas.tasks.number_targets import numbers_dataset
from evo_nas.tasks.numeric_files import ColumnOptions, NumericTask, PlainReading, read_numeric, recorded
from evo_nas.tasks.task import Prepared

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Self

    from evo_nas.data.columns import Roles


class RegressionOptions(ColumnOptions, SourceOptions):
    """Options of the task ``regression``.

    Files are tables (CSV, Parquet, Arrow, JSON, ARFF), arrays (NPZ, NPY, MAT), ``.ts``, tables of UCR, WAV or FLAC.

    Attributes:
        targets: Columns or arrays of the numbers to predict; if not given, a column called target, rul or y.
        target_of: Where a row is a step, which rows hold the target of a sequence: ``constant`` expects the same
            value in all of them, ``last`` takes that of the last step.
        window: Where a row is a step, cuts sequences into pieces of so many steps, each with the target of its last
            step, as is customary for remaining useful life; pieces of one sequence stay in one part.
        stride: Steps from one piece to the next.
        group: Column with the name of what must stay together in a split, such as a person: whole groups are drawn.
        split: How the sequences are divided into parts.
        metric: What search optimises, in original units: ``rmse``, ``mae``, ``mse``, or ``r2``, the share of the
            variance that is explained, as the mean over the targets.
    """

    targets: Names | None = Field(default=None, examples=[["target"]])
    target_of: Literal["constant", "last"] = "constant"
    window: PositiveInt | None = None
    stride: PositiveInt = 1
    group: str | None = None
    split: SplitOptions = SplitOptions()
    metric: RegressionMetric = "rmse"

    @model_validator(mode="after")
    def _cuts_only_steps(self) -> Self:
        if self.window is not None and self.sequence is None:
            raise ValueError(
                "window cuts sequences whose rows are steps; name their column in sequence, or drop it"
            )
        by = {self.split.by, self.split.test_by} & {"rows", "time"}
        if self.window is not None and by:
            raise ValueError(
                f"split by {min(map(str, by))} would tear the pieces of a sequence apart, which window cuts; leave it "
                "out"
            )
        return self

    def number_roles(self) -> Roles:
        """Returns the columns that play each role."""
        return replace(
            self.roles(group=self.group, targets=self.targets or ()),
            takes_last=self.target_of == "last" or self.window is not None,
            window=self.window,
            stride=self.stride,
        )


class RegressionTask(NumericTask[RegressionOptions]):
    """One or more numbers for each sequence; features and targets are standardised with the training part."""

    kind = "regression"
    Options = RegressionOptions

    @classmethod
    def sample(cls, folder: Path) -> Self:
        """Returns 60 sequences of two steps with two values, as rows of a CSV file."""
        path = folder / "rows.csv"
        values = np.random.default_rng(0).normal(size=(60, 4))
        lines = [",".join(map(str, row)) + f",{100 + 7 * row.sum()}" for row in values]
        path.write_text("\n".join(["x1,y1,x2,y2,target", *lines]), encoding="utf-8")
        return cls(RegressionOptions(path=(path,), targets=("target",), features=2))

    def read(self) -> Prepared:
        """Reads and splits the sequences; see `Task.read`."""
        options = self.options
        may_share = options.split.duplicates == "keep"
        files = read_numeric(options, options.number_roles(), may_share_names=may_share)
        division = split_files(files, options.split)
        parts = division.parts
        features = Features.fitted([parts[part] for part in PARTS], options.missing)

        dataset = numbers_dataset(
            "regression",
            division,
            lambda examples: padded(features.inputs(examples), np.float32),
            inputs=recorded(features, options.window),
            metric=options.metric,
            statistics=features.statistics,
        )
        dataset = replace(
            dataset,
            remarks=(*dataset.remarks, *features.remarks),
            missing=dataset.missing or features.missing,
        )
        targets = {name: part.targets for name, part in dataset.parts.items() if isinstance(part, Sequences)}
        plain = PlainReading(features, options.window)
        # Values as they are in the files, but the standardised targets that the metric expects.
        return Prepared.of(
            dataset,
            {name: (parts[name], some) for name, some in targets.items()},
            lambda both: regression_baselines(
                both.map(lambda pair: plain(pair[0])),
                both.map(lambda pair: pair[1]),
                metric=dataset.metric,
            ),
            keeping=None
            if dataset.preparation is None
            else Keeping.of_sequences(
                replace(dataset.preparation, inputs=plain.inputs),
                lambda: (plain(parts["validation"]), targets["validation"]),
                metric=dataset.metric,
            ),
        )
