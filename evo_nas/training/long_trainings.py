"""The long trainings that a candidate can name, and what runs them."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from evo_nas.config.supernet import SUPERNET
from evo_nas.training.supernet import train_supernet

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from evo_nas.evaluation import Outcome

LONG_TRAININGS: Mapping[str, Callable[..., Outcome]] = MappingProxyType({SUPERNET: train_supernet})
"""What trains a stretch, by the first word of `Candidate.trains`: it gets the candidate, the rest of that text, and
by their names the space, the data, the settings of training and the weights of the run."""
