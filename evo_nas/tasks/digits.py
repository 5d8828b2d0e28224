"""Handwritten digits, read row by row: the data set that needs no download."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from pydantic import model_validator

from evo_nas.data.options import Seed, Share, StrictOptions
from evo_nas.data.redrawing import Redrawing
from evo_nas.data.scaling import Scaler
from evo_nas.data.splitting import Rows, SplitOptions, split_rows
from evo_nas.data.statistics import Statistics
from evo_nas.genome.architecture import Signature
from evo_nas.tasks.baselines.classifiers import classification_baselines
from evo_nas.tasks.baselines.keeping import Keeping
from evo_nas.tasks.cuts.examples import ExampleResampling
from evo_nas.tasks.dataset import Dataset, Objective, Sequences
from evo_nas.tasks.metrics import CLASSIFICATION, ClassificationMetric
from evo_nas.tasks.preparation import plain_preparation
from evo_nas.tasks.task import Prepared, Task

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Self

    import numpy.typing as npt

CLASSES = 10


class DigitsOptions(StrictOptions):
    """Options of the task ``digits``.

    Attributes:
        validation: Share of the images in the validation part.
        test: Share of the images in the test part; the rest is for training.
        seed: Seed of the drawing of parts.
        metric: What search optimises.
    """

    validation: Share = 0.2
    test: Share = 0.2
    seed: Seed = 0
    metric: ClassificationMetric = "accuracy"

    @model_validator(mode="after")
    def _leaves_something_to_learn(self) -> Self:
        if self.validation + self.test >= 1.0:
            raise ValueError(
                f"validation {self.validation} and test {self.test} leave nothing to learn; "
                "their sum must be below 1"
            )
        return self


class _Images(NamedTuple):
    """Images ``(n, 64)``, labels ``(n,)``, the positions of each part, and how others are drawn."""

    pixels: npt.NDArray[np.float64]
    labels: npt.NDArray[np.int64]
    parts: dict[str, npt.NDArray[np.int64]]
    redrawing: Redrawing


class DigitsTask(Task[DigitsOptions]):
    """The 1,797 images of scikit-learn's digits as sequences of 8 rows of 8 pixels; 10 classes.

    Parts are stratified by class; each pixel column is standardised with the training images' statistics.
    """

    kind = "digits"
    Options = DigitsOptions

    @classmethod
    def sample(cls, folder: Path) -> Self:  # noqa: ARG003 - it writes no file
        """Returns the task with its defaults."""
        return cls(DigitsOptions())

    def read(self) -> Prepared:
        """Returns the images; see `Task.read`."""
        images = self._images()
        pixels = images.pixels.reshape(-1, 8, 8)
        scaler = Scaler.fitted(pixels[images.parts["train"]])
        parts = {
            part: Sequences(scaler(pixels[where]), images.labels[where].astype(np.int64))
            for part, where in images.parts.items()
        }
        signature, classes = Signature(features=8, outputs=CLASSES), tuple(map(str, range(CLASSES)))
        dataset = Dataset(
            name="digits",
            signature=signature,
            objective=Objective.CROSS_ENTROPY,
            metric=CLASSIFICATION[self.options.metric],
            train=parts["train"],
            validation=parts["validation"],
            test=parts["test"],
            classes=classes,
            preparation=plain_preparation(signature, scaler=scaler, classes=classes),
            statistics=Statistics(scaled=tuple(range(8))),
            resampling=ExampleResampling(images.redrawing),
        )
        return Prepared.of(
            dataset,
            images.parts,
            lambda both: classification_baselines(
                both.map(lambda where: list(pixels[where])),
                both.map(lambda where: images.labels[where]),
                metric=dataset.metric,
                classes=CLASSES,
            ),
            # Simple models read the pixels as they are.
            keeping=Keeping.of_sequences(
                plain_preparation(signature, classes=classes),
                lambda: (
                    list(pixels[images.parts["validation"]]),
                    images.labels[images.parts["validation"]],
                ),
                metric=dataset.metric,
            ),
        )

    def _images(self) -> _Images:
        from sklearn.datasets import load_digits  # noqa: PLC0415 - as above

        images, labels = load_digits(return_X_y=True)
        rows = Rows("digits", contents=range(len(labels)), strata=labels.astype(str).tolist())
        options = SplitOptions(**self.options.model_dump(exclude={"metric"}))
        parts = split_rows(rows, options)
        return _Images(images, labels, parts, Redrawing.of(rows, parts, options))
