"""`Statistics`: what of prepared data was learnt from the training part, and has to be learnt anew for another one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from evo_nas.data.scaling import Scaler

if TYPE_CHECKING:
    import numpy.typing as npt

    Inputs = npt.NDArray[np.float32]
    Known = npt.NDArray[np.bool_]
    Ids = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Statistics:
    """What was learnt from the training part; by default nothing.

    Attributes:
        scaled: Features that are standardised, by position.
        masks: Features whose value is not known where a mask is 0: their positions and those of the masks.
        words: Features that are 1 for a word and 0 otherwise, which are 0 throughout if training has no 1.
        targets: Whether targets are standardised.
        rarest: How often a token must occur in training to be known; 0 if every token is.
        weights: Whether the weights of classes make up for their shares of training.
    """

    scaled: tuple[int, ...] = ()
    masks: tuple[tuple[int, int], ...] = ()
    words: tuple[int, ...] = ()
    targets: bool = False
    rarest: int = 0
    weights: bool = False

    @property
    def of_inputs(self) -> bool:
        """Whether inputs that are numbers depend on the training part."""
        return bool(self.scaled or self.words)

    def input_scaler(self, inputs: Inputs, counts: Known, *, filled: Known | None = None) -> Scaler:
        """Returns the mean and scale of each feature of a training part; those that are not standardised keep theirs.

        Args:
            inputs: ``(..., features)``.
            counts: Which steps count, bool ``(...)``.
            filled: Values that were filled in and do not count, bool ``(..., features)``; a mask says so, too.
        """
        masks = dict(self.masks)
        mean, scale = np.zeros(inputs.shape[-1]), np.ones(inputs.shape[-1])
        for at in self.scaled:
            which = counts & (inputs[..., masks[at]] > 0) if at in masks else counts
            if filled is not None:
                which = which & ~filled[..., at]
            values = inputs[..., at][which]
            if len(values):
                fitted = Scaler.fitted(values.astype(np.float64)[:, None])
                mean[at], scale[at] = fitted.mean[0], fitted.scale[0]
        return Scaler(mean, scale)

    def rescaled(self, inputs: Inputs, scaler: Scaler) -> Inputs:
        """Returns inputs ``(..., features)`` in the units of ``scaler``; those that are not standardised stay."""
        changed = inputs.copy()
        for at in self.scaled:
            changed[..., at] = (inputs[..., at].astype(np.float64) - scaler.mean[at]) / scaler.scale[at]
        return changed


NOTHING_LEARNT = Statistics()


def unknown_ids(training: Ids, *, rarest: int) -> Known:
    """Returns for each id up to the largest of ``training`` whether it occurs there less than ``rarest`` times."""
    return np.bincount(training) < rarest


def known_ids(tokens: Ids, is_unknown: Known) -> Ids:
    """Returns ids of which those that training does not know are 0, as every unknown token is."""
    beyond = tokens >= len(is_unknown)
    return np.where(beyond | is_unknown[np.where(beyond, 0, tokens)], 0, tokens)
