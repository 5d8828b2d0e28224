"""Handwritten digits, read row by row: the data set that needs no download."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from pydantic import model_validator

from evo_nas.genome.architecture import Signature
from evo_nas.tasks.metrics import CLASSIFICATION, ClassificationMetric
from evo_nas.tasks.opponents import fitted_score
from evo_nas.tasks.options import Seed, Share, TaskOptions
from evo_nas.tasks.scaling import Scaler
from evo_nas.tasks.splitting import Rows, SplitOptions, split_rows
from evo_nas.tasks.task import Dataset, Loss, Sequences, Task

if TYPE_CHECKING:
    from typing import Self

    import numpy.typing as npt

CLASSES = 10


class DigitsOptions(TaskOptions):
    """Options of the task ``digits``.

    Attributes:
        validation: Share of the images that decides.
        test: Share of the images that is reported; the rest is learnt.
        seed: Which images fall into which part.
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


class DigitsTask(Task):
    """The 1,797 images of scikit-learn's digits as sequences of 8 rows of 8 pixels; 10 classes.

    Parts are stratified by class; each pixel column is standardised with the training images' statistics.
    """

    kind = "digits"
    Options = DigitsOptions

    def __init__(self, options: DigitsOptions) -> None:
        self._options = options

    def load(self) -> Dataset:
        """Returns the images; see `Task.load`."""
        images, labels, parts = self._read()
        images = images.reshape(-1, 8, 8)
        scaler = Scaler.fitted(images[parts["train"]])

        def sequences(part: str) -> Sequences:
            return Sequences(scaler(images[parts[part]]), labels[parts[part]].astype(np.int64))

        return Dataset(
            name="digits",
            signature=Signature(features=8, outputs=CLASSES),
            loss=Loss.CROSS_ENTROPY,
            metric=CLASSIFICATION[self._options.metric],
            train=sequences("train"),
            validation=sequences("validation"),
            test=sequences("test"),
            classes=tuple(map(str, range(CLASSES))),
        )

    def baselines(self) -> dict[str, float]:
        """Returns the test metric of the most frequent class and of the nearest training image."""
        from sklearn.dummy import DummyClassifier  # noqa: PLC0415 - as in load
        from sklearn.neighbors import KNeighborsClassifier  # noqa: PLC0415 - as in load

        opponents = {
            "majority": DummyClassifier(strategy="prior"),
            "nearest neighbour": KNeighborsClassifier(n_neighbors=1),
        }
        images, labels, parts = self._read()
        rows = [np.concatenate([parts["train"], parts["validation"]]), parts["test"]]
        inputs, targets = [images[each] for each in rows], [labels[each] for each in rows]
        metric = CLASSIFICATION[self._options.metric]
        return {
            name: fitted_score(opponent, inputs, targets, metric=metric, classes=CLASSES)
            for name, opponent in opponents.items()
        }

    def _read(
        self,
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64], dict[str, npt.NDArray[np.int64]]]:
        """Returns images ``(n, 64)``, labels, and the positions of each part."""
        from sklearn.datasets import load_digits  # noqa: PLC0415 - 1.5 s, paid only where digits are used

        images, labels = load_digits(return_X_y=True)
        rows = Rows("digits", contents=range(len(labels)), strata=labels.astype(str).tolist())
        options = SplitOptions(**self._options.model_dump(exclude={"metric"}))
        return images, labels, split_rows(rows, options)
