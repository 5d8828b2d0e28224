"""`explanation_of`: what a network of a run, or an exported one, computes and where it comes from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from evo_nas.champion.explanation import explained, explained_in_run
from evo_nas.champion.verdict import stored_verdict
from evo_nas.errors import ChampionError
from evo_nas.experiment import Experiment
from evo_nas.runs import Run

if TYPE_CHECKING:
    from evo_nas.champion.explanation import Explanation
    from evo_nas.champion.probing import Probe
    from evo_nas.models.ensemble import Model
    from evo_nas.models.network import Network


def explanation_of(place: str, *, candidate: int | None = None, sample: bool = False) -> Explanation:
    """Returns what is known of a network.

    Args:
        place: A run, or a directory with an export in the native format.
        candidate: A candidate of the run; by default its champion, or before there is one the best so far.
        sample: Whether the champion reads sequences of the validation part, which shows what its gates do.

    Raises:
        ChampionError: There is no such network, or ``sample`` is asked of another one than a champion.
        RunError: The candidate was never evaluated.
        DataError: The data of the run cannot be read.
    """
    run = Run.at(place)
    if not run.exists:
        if sample or candidate is not None:
            raise ChampionError(f"{Path(place)} is no run; --sample and --candidate need one")
        return explained(kept_network(place).architecture)
    if sample and candidate is not None:
        raise ChampionError("--sample reads the champion that the run keeps; leave --candidate out")
    experiment = Experiment.of_run(run)
    verdict = stored_verdict(run) if candidate is None else None
    if verdict is not None:
        network = kept_network(place)
        return explained_in_run(
            run,
            verdict.candidate,
            experiment.space,
            retrained=network.architecture,
            probe=_probed(network, experiment) if sample else None,
        )
    if sample:
        raise ChampionError(
            f"{run} keeps no champion yet, which --sample reads; see `evo-nas champion {place}`"
        )
    return explained_in_run(run, _best(run) if candidate is None else candidate, experiment.space)


def kept_network(place: str) -> Network:
    """Returns the champion of a run or an export, or the first of the networks that it is the mean of.

    Raises:
        ChampionError: There is none that is whole.
    """
    from evo_nas.champion.champion import load_champion  # noqa: PLC0415 - it loads torch

    return first_network(load_champion(place).network)


def first_network(model: Model) -> Network:
    """Returns a network itself, or the first of those that an ensemble is the mean of."""
    from evo_nas.models.network import Network  # noqa: PLC0415 - it loads torch

    first = model if isinstance(model, Network) else model.members[0]
    assert isinstance(first, Network)
    return first


def _probed(network: Network, experiment: Experiment) -> Probe:
    from evo_nas.champion.probing import probed  # noqa: PLC0415 - it loads torch

    return probed(network, experiment.dataset)


def _best(run: Run) -> int:
    best = run.best(1)
    if not best:
        raise ChampionError(f"{run} has no candidate with a score; search on, or see `evo-nas show {run}`")
    number: int = best[0]["id"]
    return number
