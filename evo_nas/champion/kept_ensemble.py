"""Makes an ensemble of the networks that a verdict keeps, beside LSTMs at the same cost, and keeps it in the run.

Validation selects it. The test part is looked at once for it, and that look is recorded as another one of the run.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from evo_nas.champion.assessment import Assessment, assess_here
from evo_nas.champion.ensemble_selection import select_ensemble
from evo_nas.champion.export import champion_folder
from evo_nas.champion.exporters.native import Member, Provenance, native_files, read_native, weights_of
from evo_nas.champion.kept_trainings import KeptTrainings
from evo_nas.champion.verdict import stored_verdict
from evo_nas.errors import ChampionError
from evo_nas.genome.codec import architecture_hash
from evo_nas.genome.parameters import count_parameters
from evo_nas.models.ensemble import Ensemble
from evo_nas.models.network import Network
from evo_nas.runs.champion_store import CHAMPION, SINGLE
from evo_nas.training.forward import answers
from evo_nas.training.losses import LINKS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from evo_nas.champion.assessment import Assessed
    from evo_nas.champion.verdict import Verdict
    from evo_nas.experiment import Experiment
    from evo_nas.models.ensemble import Model
    from evo_nas.runs import Run

ENSEMBLE, LSTM = "ensemble", "lstm"


@dataclass(frozen=True, slots=True)
class EnsembleRow:
    """What is told of one model.

    Attributes:
        name: Its name.
        networks: How many networks it has.
        parameters: Trainable parameters of all of them.
        validation: Its validation metric.
        test: Its test metric.
        latency_ms: Milliseconds from the last step to the answer, for one sequence; None if it was not measured.
    """

    name: str
    networks: int
    parameters: int
    validation: float
    test: float
    latency_ms: float | None


@dataclass(frozen=True, slots=True)
class EnsembleReport:
    """The champion, the ensemble of all kept networks, and the ensemble of LSTMs.

    Attributes:
        metric: Name of the metric.
        higher_is_better: Direction of the metric.
        rows: One for each model.
        shares: Share of each kept model's networks in the ensemble, by its name.
        look: How often the test part of the run has been looked at.
    """

    metric: str
    higher_is_better: bool
    rows: tuple[EnsembleRow, ...]
    shares: dict[str, float]
    look: int

    @property
    def sentence(self) -> str:
        """Which of them validation recommends, in words."""
        sign = 1 if self.higher_is_better else -1
        best = max(self.rows, key=lambda row: sign * row.validation)
        how = {
            CHAMPION: "`evo-nas export RUN`",
            ENSEMBLE: f"`evo-nas export RUN --which {ENSEMBLE}`",
        }.get(best.name, f"`evo-nas export RUN --which {LSTM}`, or more seeds of it")
        told = (
            f"On validation, which chooses, the {best.name} is best ({best.validation:.4g} {self.metric}): "
            f"take it with {how}."
        )
        return f"{told} The test part of this run has been looked at {self.look} times."

    def to_values(self) -> dict[str, Any]:
        """Returns plain JSON values."""
        return {**asdict(self), "sentence": self.sentence}

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> EnsembleReport:
        """Returns the report that `to_values` told."""
        rows = tuple(EnsembleRow(**each) for each in values["rows"])
        return cls(values["metric"], values["higher_is_better"], rows, dict(values["shares"]), values["look"])


def make_ensemble(run: Run, experiment: Experiment, *, most: int | None = None) -> EnsembleReport:
    """Selects an ensemble among the networks that the verdict of ``run`` keeps, scores and keeps it as ``ensemble``.

    Args:
        run: A run that was judged.
        experiment: The experiment of that run.
        most: How many different networks it may have; by default as many as the LSTM has retrainings, so that both
            ensembles cost the same.

    Raises:
        ChampionError: There is no verdict, or nothing to select from.
        DataError: The data hold episodes.
        RunError: Another process is searching or judging the run.
    """
    verdict = stored_verdict(run)
    if verdict is None:
        raise ChampionError(f"{run} has no verdict yet; `evo-nas resume` makes it")
    networks = _kept_networks(run)
    if sum(map(len, networks.values())) < 2:
        raise ChampionError(f"{run} keeps a single network; an ensemble needs at least 2")
    bound = most or len(networks.get(LSTM, ())) or len(networks[CHAMPION])
    chosen, shares = _selected(networks, experiment, bound)
    lstms, _ = _selected({LSTM: networks.get(LSTM, [])}, experiment, len(chosen))
    named = {ENSEMBLE: chosen} | ({"LSTM ensemble": lstms} if lstms else {})
    requests = [Assessment(f"the {name}", tuple(members)) for name, members in named.items()]
    with run.owned() as check_owned:
        assessed, look = _assessed(run, experiment, requests)
        check_owned()
        run.champion.add(ENSEMBLE, _files(experiment, verdict, chosen, run.record.run_id))
    rows = [
        EnsembleRow(
            CHAMPION,
            len(networks[CHAMPION]),
            sum(parameter.numel() for network in networks[CHAMPION] for parameter in network.parameters()),
            verdict.champion.validation,
            verdict.champion.test,
            verdict.champion.latency_ms,
        )
    ]
    for (name, members), scores in zip(named.items(), assessed, strict=True):
        if scores.validation is None or scores.test is None:
            raise ChampionError(f"the scores of the {name} are not finite; leave it, and take the champion")
        size = sum(count_parameters(member.architecture, experiment.dataset.signature) for member in members)
        rows.append(EnsembleRow(name, len(members), size, scores.validation, scores.test, scores.latency_ms))
    return EnsembleReport(verdict.metric, verdict.higher_is_better, tuple(rows), shares, look)


def _kept_networks(run: Run) -> dict[str, list[Network]]:
    """Returns the networks of each kept model by its name; the best of the champion alone is among its own already."""
    found = {}
    for which in run.champion.models():
        if which not in (SINGLE, ENSEMBLE):
            with champion_folder(str(run), which) as folder:
                found[which] = _networks(read_native(folder))
    return found


def _networks(model: Model) -> list[Network]:
    members = list(model.members) if isinstance(model, Ensemble) else [model]
    return [member for member in members if isinstance(member, Network)]


def _selected(
    networks: Mapping[str, Sequence[Network]], experiment: Experiment, most: int
) -> tuple[list[Member], dict[str, float]]:
    """Returns the members of the best ensemble of ``networks``, and the share of each kept model in it."""
    pool = [(which, network) for which, some in networks.items() for network in some]
    if not pool:
        return [], {}
    dataset = experiment.dataset
    given = [answers(network, dataset, "validation") for _, network in pool]
    selection = select_ensemble(
        [outputs for outputs, _ in given],
        given[0][1],
        metric=dataset.metric,
        link=LINKS[dataset.objective],
        most=most,
    )
    total = sum(selection.counts.values())
    shares: dict[str, float] = {}
    for place, count in selection.counts.items():
        shares[pool[place][0]] = shares.get(pool[place][0], 0.0) + count / total
    members = [
        Member(pool[place][1].architecture, weights_of(pool[place][1]), float(count))
        for place, count in selection.counts.items()
    ]
    return members, shares


def _assessed(run: Run, experiment: Experiment, requests: Sequence[Assessment]) -> tuple[list[Assessed], int]:
    """Returns the scores of the models and the number of looks; those that are kept already need no other look."""
    made, look = KeptTrainings(run.champion, experiment), run.champion.looks()
    if missing := made.unassessed(requests):
        keys = [request.key for request in requests]
        # Before it is taken, so that a process that dies afterwards has not looked in secret.
        look = run.champion.look(
            hashlib.sha256(json.dumps(keys).encode()).hexdigest()[:32], {"ensembles": keys}
        )
        for _ in made.assess(assess_here, missing):
            pass  # each is kept
    return [made.assessed(request) for request in requests], look


def _files(
    experiment: Experiment, verdict: Verdict, members: Sequence[Member], run_id: str
) -> dict[str, bytes]:
    first, dataset = members[0].architecture, experiment.dataset
    # It has no genome of its own: its networks have several.
    provenance = Provenance(
        (), architecture_hash(first), experiment.space.options, verdict.epochs, run_id, verdict.candidate
    )
    return native_files(
        members, dataset.signature, provenance, dataset.preparation, link=LINKS[dataset.objective]
    )
