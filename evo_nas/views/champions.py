"""What a run keeps of its champion: the verdict, the explanation, and the formats that it can be exported in."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import TYPE_CHECKING

from evo_nas.champion.explanation import explained, explained_in_run
from evo_nas.champion.verdict import BASIS, Verdict, basis_of
from evo_nas.errors import DataChangedError, DataError
from evo_nas.experiment import Experiment

if TYPE_CHECKING:
    from evo_nas.champion.explanation import Explanation
    from evo_nas.models.network import Network
    from evo_nas.runs import Run


@dataclass(frozen=True, slots=True)
class KeptChampion:
    """The champion that a run keeps.

    Attributes:
        verdict: How it compares with others.
        is_current: Whether it was chosen from exactly the evaluations that the run holds now.
        key: The same for the same champion on the same evaluations, and for no other.
    """

    verdict: Verdict
    is_current: bool
    key: str


def kept_champion(run: Run) -> KeptChampion | None:
    """Returns the champion that ``run`` keeps, even if the search went on since; None if it keeps none."""
    values = run.champion.verdict()
    if values is None:
        return None
    held = basis_of(run.totals())
    told = json.dumps([run.record.run_id, held, values], sort_keys=True, default=str)
    is_current = values.pop(BASIS, None) == held
    verdict = Verdict.from_values(values)
    return (
        None
        if verdict is None
        else KeptChampion(verdict, is_current, hashlib.sha256(told.encode()).hexdigest())
    )


def readable_experiment(run: Run) -> tuple[Experiment | None, str]:
    """Returns the experiment of ``run`` with its data; None and the reason if they were moved or changed."""
    try:
        experiment = Experiment.of_run(run)
        _ = experiment.dataset
    except (DataError, DataChangedError) as error:
        return None, str(error)
    return experiment, ""


def champion_explanation(
    run: Run, champion: KeptChampion, network: Network, experiment: Experiment
) -> Explanation:
    """Returns what ``network``, the champion of ``run``, computes and where it comes from."""
    space = experiment.space
    return explained_in_run(run, champion.verdict.candidate, space, retrained=network.architecture)


def explained_alone(network: Network, why: str) -> Explanation:
    """Returns what is known of ``network`` without its run, which cannot be read for the reason ``why``."""
    return replace(explained(network.architecture), remarks=(f"the ancestors are left out: {why}",))


@dataclass(frozen=True, slots=True)
class Format:
    """A format of exports.

    Attributes:
        name: Its name in ``evo-nas export --format``.
        summary: What it is, in one sentence.
        takes: The options that it takes, such as ``int8``.
        extra: The optional dependencies of evo-nas that it needs; empty if it needs none.
        is_installed: Whether what it needs is here.
    """

    name: str
    summary: str
    takes: tuple[str, ...]
    extra: str
    is_installed: bool


def formats() -> tuple[Format, ...]:
    """Returns every format of exports, by name."""
    from evo_nas.champion.exporters.registry import EXPORTERS, summary_of  # noqa: PLC0415 - it loads torch

    return tuple(
        Format(
            name,
            summary_of(each),
            tuple(sorted(each.takes)),
            each.extra,
            not each.needs or find_spec(each.needs) is not None,
        )
        for name, each in sorted(EXPORTERS.items())
    )
