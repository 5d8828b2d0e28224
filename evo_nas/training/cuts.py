"""The data of cuts on the device that trains, prepared when a training first needs them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evo_nas.training.batches import PreparedDataset, prepare
from evo_nas.training.once import Once

if TYPE_CHECKING:
    import torch

    from evo_nas.tasks.dataset import Dataset


class PreparedCuts:
    """The cuts of a data set that were needed so far; several threads may ask at the same time.

    What is fitted to the training part, such as the ridge regressions of shortcuts, is kept with each cut.

    Args:
        dataset: The data as arrays.
        device: Where they are put.
    """

    def __init__(self, dataset: Dataset, device: torch.device) -> None:
        self._dataset = dataset
        self._device = device
        self._prepared: Once[PreparedDataset] = Once()

    def of(self, number: int) -> PreparedDataset:
        """Returns the data of a cut; see `Dataset.of_cut`.

        Raises:
            DataError: There is no such cut.
        """
        return self._prepared.get(number, lambda: prepare(self._dataset.of_cut(number), self._device))
