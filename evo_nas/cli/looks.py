"""`Look`: how the data of a configuration were understood, by this machine or by a service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from evo_nas.cli.data_view import data_view, fields_view
from evo_nas.views.data import data_fields
from evo_nas.views.picture import picture_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import RenderableType

    from evo_nas.tasks.baselines.fitting import BaselineResult
    from evo_nas.tasks.dataset import Dataset


class Look(Protocol):
    """How data were understood."""

    def fields(self) -> dict[str, Any]:
        """Returns plain values; see `data_fields`."""

    def view(self) -> RenderableType:
        """Returns the same for people."""

    def picture(self) -> str:
        """Returns a drawing of the data as SVG."""


class ReadLook:
    """Data that this process has read.

    Args:
        dataset: The data.
        fitted: What the baselines reach; empty if none was fitted.
    """

    def __init__(self, dataset: Dataset, fitted: Mapping[str, BaselineResult]) -> None:
        self._dataset = dataset
        self._fitted = fitted

    def fields(self) -> dict[str, Any]:
        """Returns plain values."""
        return data_fields(self._dataset, self._fitted)

    def view(self) -> RenderableType:
        """Returns them with histograms and samples."""
        return data_view(self._dataset, self._fitted)

    def picture(self) -> str:
        """Draws the data."""
        return picture_of(self._dataset)


class ToldLook:
    """What a service has told of its data.

    Args:
        told: Its answer: ``fields`` and ``picture``.
    """

    def __init__(self, told: Mapping[str, Any]) -> None:
        self._told = told

    def fields(self) -> dict[str, Any]:
        """Returns plain values."""
        fields: dict[str, Any] = self._told["fields"]
        return fields

    def view(self) -> RenderableType:
        """Returns them without histograms: the data themselves stay at the service."""
        return fields_view(self._told["fields"])

    def picture(self) -> str:
        """Returns the drawing of the service."""
        return str(self._told["picture"])
