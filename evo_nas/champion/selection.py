"""Selects the candidate of a run that becomes its champion."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evo_nas.archive import Archive
from evo_nas.config.objectives import FITNESS
from evo_nas.errors import ChampionError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evo_nas.evaluation import Evaluation
    from evo_nas.strategies.trials import Trial


def select_champion(
    told: Sequence[Evaluation], run: object, *, objectives: Sequence[str] = (FITNESS,)
) -> Trial:
    """Returns the trial with the best mean fitness; among equals that with the lower validation loss wins.

    With several objectives it is the fittest of those that no other beats in all of them.

    Args:
        told: All evaluations of the run.
        run: The run, as the error message names it.
        objectives: Names of what was optimised, the fitness first.

    Raises:
        ChampionError: No candidate was scored.
    """
    archive = Archive(objectives=objectives)
    archive.update(told)
    if archive.front.members:
        return archive.front.members[0]
    if archive.best is None:
        raise ChampionError(
            f"{run} has no champion: none of its {len(told)} evaluations was scored; search on, or look at a "
            f"cause with `evo-nas show {run} --candidate {told[0].candidate.id if told else 0}`"
        )
    return archive.best
