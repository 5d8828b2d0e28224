"""Selects the candidate of a run that becomes its champion."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evo_nas.archive import Archive
from evo_nas.errors import ChampionError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evo_nas.evaluation import Evaluation
    from evo_nas.strategies.trials import Trial


def select_champion(told: Sequence[Evaluation], run: object) -> Trial:
    """Returns the trial with the best mean fitness; among equals that with the lower validation loss wins.

    Args:
        told: All evaluations of the run.
        run: The run, as the error message names it.

    Raises:
        ChampionError: No candidate was scored.
    """
    archive = Archive()
    archive.update(told)
    if archive.best is None:
        raise ChampionError(
            f"{run} has no champion: none of its {len(told)} evaluations was scored; search on, or look at a "
            f"cause with `evo-nas show {run} --candidate {told[0].candidate.id if told else 0}`"
        )
    return archive.best
