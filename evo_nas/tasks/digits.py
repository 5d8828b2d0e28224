"""Handwritten digits, read row by row: the data set that needs no download."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from evo_nas.genome.architecture import Signature
from evo_nas.tasks.metrics import ACCURACY
from evo_nas.tasks.scaling import Scaler
from evo_nas.tasks.task import Dataset, Loss, Sequences, Task

if TYPE_CHECKING:
    from typing import Self

    import numpy.typing as npt

CLASSES = 10
Share = Annotated[float, Field(gt=0.0, lt=1.0)]


class DigitsOptions(BaseModel):
    """Options of the task ``digits``.

    Attributes:
        validation: Share of the images that decides.
        test: Share of the images that is reported; the rest is learnt.
        seed: Which images fall into which part.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    validation: Share = 0.2
    test: Share = 0.2
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0

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
        from sklearn.datasets import load_digits  # noqa: PLC0415 - 1.5 s, paid only where digits are used

        images, labels = load_digits(return_X_y=True)
        images = images.reshape(-1, 8, 8)
        train, validation, test = self._parts(labels)
        scaler = Scaler.fitted(images[train])

        def sequences(part: npt.NDArray[np.int64]) -> Sequences:
            return Sequences(scaler(images[part]), labels[part].astype(np.int64))

        return Dataset(
            name="digits",
            signature=Signature(features=8, outputs=CLASSES),
            loss=Loss.CROSS_ENTROPY,
            metric=ACCURACY,
            train=sequences(train),
            validation=sequences(validation),
            test=sequences(test),
        )

    def floors(self) -> dict[str, float]:
        """Returns the test accuracy of the most frequent class and of the nearest training image."""
        from sklearn.dummy import DummyClassifier  # noqa: PLC0415 - as in load
        from sklearn.neighbors import KNeighborsClassifier  # noqa: PLC0415 - as in load

        opponents = {
            "majority": DummyClassifier(strategy="most_frequent"),
            "nearest neighbour": KNeighborsClassifier(n_neighbors=1),
        }
        dataset = self.load()
        train, test = dataset.train, dataset.test
        return {
            name: float(
                opponent.fit(train.inputs.reshape(len(train), -1), train.targets).score(
                    test.inputs.reshape(len(test), -1), test.targets
                )
            )
            for name, opponent in opponents.items()
        }

    def _parts(self, labels: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], ...]:
        """Returns the positions of training, validation and test images."""
        from sklearn.model_selection import train_test_split  # noqa: PLC0415 - as in load

        seed, held_out = self._options.seed, self._options.validation + self._options.test
        train, rest = train_test_split(
            np.arange(len(labels)), test_size=held_out, stratify=labels, random_state=seed
        )
        validation, test = train_test_split(
            rest, test_size=self._options.test / held_out, stratify=labels[rest], random_state=seed
        )
        return train, validation, test
