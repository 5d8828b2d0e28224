"""`ThisMachine`: the runs in the directories and buckets that this machine can reach."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from evo_nas.cli.formatting import checked_in_words
from evo_nas.cli.sources import Retrained, Source, Written
from evo_nas.errors import ConfigError
from evo_nas.runs import Run, find_runs

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from evo_nas.champion.explanation import Explanation
    from evo_nas.champion.exporters.checking import CheckResult
    from evo_nas.champion.exporters.exporter import ExportOptions
    from evo_nas.champion.fine_tuning import Origin
    from evo_nas.champion.kept_ensemble import EnsembleReport
    from evo_nas.champion.ranking import Ranking
    from evo_nas.cli.looks import Look
    from evo_nas.cli.predictors import Predictor
    from evo_nas.cli.sources import Shown
    from evo_nas.config import SearchConfig, VerdictOptions
    from evo_nas.runs.portfolio import Member
    from evo_nas.sessions import Session
    from evo_nas.sessions.events import Event
    from evo_nas.sessions.tuning import TuningOptions
    from evo_nas.views.run_summary import RunSummary
    from evo_nas.views.run_view import RunView
    from evo_nas.views.verification import Verification


class ThisMachine(Source):
    """What commands work on without ``--service``."""

    def default_place(self, name: str) -> str:
        """Returns a directory under ``runs``."""
        return f"runs/{name}"

    def session(self, place: str, *, address: str | None, logs: bool, **here: bool) -> Session:
        """Returns the session for ``address``; see `open_session`."""
        from evo_nas.sessions import open_session

        return open_session(place, address=address, logs=logs, **here)

    def summaries(self, root: str) -> list[RunSummary]:
        """Reads the runs under a directory or a URI."""
        from evo_nas.views.run_summary import summaries

        return summaries(find_runs(root))

    def run_view(self, run: str, *, top: int, candidate: int | None) -> RunView:
        """Reads the run."""
        from evo_nas.views.run_view import RunView

        return RunView.of(run, top=top, candidate=candidate)

    def look(self, config: SearchConfig, *, baselines: bool, limit_s: float) -> Look:
        """Reads the data."""
        from evo_nas.cli.looks import ReadLook
        from evo_nas.experiment import Experiment

        prepared = Experiment.of(config).prepared
        return ReadLook(prepared.dataset, prepared.fit_baselines(limit_s) if baselines else {})

    def print_status(self, run: str | None, *, address: str | None, as_json: bool) -> None:
        """Prints what the jobs of the cluster have said."""
        from evo_nas.cli.cluster_status import print_status

        print_status(str(address), run, as_json=as_json)

    def log_lines(self, run: str, *, address: str | None, follow: bool) -> Iterator[str]:
        """Yields the lines of the newest job of the run."""
        from evo_nas.cluster.names import checked_run
        from evo_nas.sessions.jobs import JobSession

        return JobSession(checked_run(run), str(address)).logs(follow=follow)

    def judge(self, run: str, options: VerdictOptions, **how: Any) -> Iterator[Event]:
        """Trains on this machine, or with an address in the cluster that it is part of."""
        from evo_nas.experiment import Experiment
        from evo_nas.sessions.judging import judge
        from evo_nas.sessions.retrainer import retrainer_for

        searched = Run.at(run)
        experiment = Experiment.of_run(searched)
        at_once = experiment.config.workers.exactly(how["workers"])
        experiment = experiment.with_config(experiment.config.model_copy(update={"workers": at_once}))
        made_by = partial(
            retrainer_for, at_once, executor="inline" if how["inline"] else "ray", address=how["address"]
        )
        return judge(searched, experiment, options=options, tuned=how["tuned"], open_retrainer=made_by)

    def explanation(self, place: str, *, candidate: int | None, sample: bool) -> Explanation:
        """Reads the run or the export at ``place``."""
        from evo_nas.views.explanations import explanation_of

        return explanation_of(place, candidate=candidate, sample=sample)

    def verification(self, run: str) -> Verification:
        """Reads the run."""
        from evo_nas.views.verification import verification_of

        return verification_of(Run.at(run), run)

    def ranking(self, runs: Sequence[str]) -> Ranking:
        """Reads the verdicts."""
        from evo_nas.champion.ranking import Results, ranked

        return ranked([Results.of(Run.at(run), run) for run in dict.fromkeys(runs)])

    def portfolio(self, runs: Sequence[str], output: Path, *, count: int) -> Sequence[Member]:
        """Reads the runs."""
        from evo_nas.runs.portfolio import write_portfolio
        from evo_nas.runs.portfolio_learning import learn_portfolio

        members = learn_portfolio([Run.at(run) for run in runs], count)
        write_portfolio(output, members)
        return members

    def replay(self, run: str, overrides: Sequence[str], *, workers: int | None, draws: int) -> Shown:
        """Replays the run here."""
        from evo_nas.cli.replay_view import ReplayView

        return ReplayView.of(run, overrides, workers=workers, draws=draws)

    def finalists(self, run: str, *, count: int, trainings: int, judge: bool, **how: Any) -> Shown:
        """Chooses them here, and trains on this machine or in the cluster that it is part of."""
        from evo_nas.champion.finalist_plan import FinalistPlan
        from evo_nas.cli.finalists_view import FinalistsView, judge_aloud
        from evo_nas.experiment import Experiment
        from evo_nas.sessions.retrainer import retrainer_for

        searched = Run.at(run)
        experiment = Experiment.of_run(searched)
        plan = FinalistPlan.of(searched, experiment, count=count, trainings=trainings)
        if judge:
            at_once = experiment.config.workers.exactly(how["workers"])
            made_by = retrainer_for(
                at_once, executor="inline" if how["inline"] else "ray", address=how["address"]
            )
            with made_by as retrainer, searched.owned():
                judge_aloud(plan, searched, retrainer.retrain, experiment.config.training)
        return FinalistsView.of(searched, experiment, plan)

    def tuning(self, run: str, options: TuningOptions, *, out: Path | None, **how: Any) -> Shown:
        """Tunes on this machine, or in the cluster that it is part of."""
        from evo_nas.champion.export import write_champion
        from evo_nas.cli.terminal import plain_console
        from evo_nas.cli.tune_view import TuneView
        from evo_nas.experiment import Experiment
        from evo_nas.sessions.ray_retrainer import RayRetrainer
        from evo_nas.sessions.tuning import tune_run, tuned_files

        say = plain_console(stderr=True).print
        searched = Run.at(run)
        experiment = Experiment.of_run(searched)
        at_once = experiment.config.workers.exactly(how["workers"])
        with RayRetrainer(at_once, address=how["address"]) as retrainer:
            tuned = tune_run(searched, experiment, options, retrainer=retrainer, say=say)
            if out is not None:
                files = tuned_files(searched, experiment, tuned, retrain=retrainer.retrain, say=say)
                write_champion(files, out)
        return TuneView.of(tuned, out)

    def ensemble(self, run: str, *, size: int | None) -> EnsembleReport:
        """Selects it here."""
        from evo_nas.champion.kept_ensemble import make_ensemble
        from evo_nas.experiment import Experiment

        place = Run.at(run)
        return make_ensemble(place, Experiment.of_run(place), most=size)

    def retrained(
        self,
        champion: str,
        data: Sequence[Path],
        out: Path,
        *,
        there: bool,
        origin: Origin,
        epochs: int | None,
    ) -> Retrained:
        """Trains it here."""
        if there:
            raise ConfigError("--there is given without --service; leave it out, for the data lie here")
        from evo_nas.champion.export import write_champion
        from evo_nas.champion.fine_tuning import retrain_on

        def say(done: int, total: int) -> None:
            click.echo(f"training {done + 1} of {total}", err=True)

        update = retrain_on(champion, data, origin=origin, epochs=epochs, on_member=say)
        return Retrained(write_champion(update.files, out).files, update.settings, update.sentence)

    def asked(self, run: str, *, proposals: int, since: int | None, top: int) -> Iterable[dict[str, Any]]:
        """Reads the run."""
        from evo_nas.runs.exchange import asked

        return asked(Run.at(run), proposals=proposals, since=since, top=top)

    def handed_in(self, run: str, texts: Iterable[str], *, name: str) -> Iterable[dict[str, Any]]:
        """Writes to the run."""
        from evo_nas.runs.exchange import handed_in

        return handed_in(Run.at(run), texts, name=name)

    def report(self, run: str, out: Path, *, figures: Path | None) -> list[Path]:
        """Makes the report here."""
        from evo_nas.report.report import write_report

        return write_report(Run.at(run), out, figures=figures)

    def export(
        self, run: str, out: Path, *, kind: str, which: str, options: ExportOptions, **how: Any
    ) -> Written:
        """Exports a run, which is judged first if it is not yet, or what an earlier export wrote."""
        from evo_nas.champion.export import (
            check_target,
            export_champion,
            export_network,
            is_of_baseline,
        )
        from evo_nas.champion.exporters.native import ARCHITECTURE_FILE
        from evo_nas.cli.watching import judged
        from evo_nas.tasks.baselines.keeping import BASELINE_FILE

        # Checked first: judging may train for a long time, and a wrong directory should be refused before.
        check_target(out, kind, options)
        exported = Run.at(run)
        if not exported.exists and any(
            (Path(run) / name).is_file() for name in (ARCHITECTURE_FILE, BASELINE_FILE)
        ):
            written = export_network(Path(run), out, kind=kind, options=options)
        else:
            # Baselines are fitted before the search begins, and need no verdict.
            if not is_of_baseline(which):
                judged(exported, **how)
            written = export_champion(exported, out, kind=kind, which=which, options=options)
        return Written(written.files, *_told(written.check))

    def predictor(self, place: str) -> Predictor:
        """Loads the champion."""
        from evo_nas.champion.champion import load_champion
        from evo_nas.cli.predictors import LoadedPredictor

        return LoadedPredictor(load_champion(place))


def _told(check: CheckResult) -> tuple[str, bool]:
    from evo_nas.champion.exporters.checking import Unchecked

    if isinstance(check, Unchecked):
        return f"unchecked: {check.reason}", False
    difference, tolerance = f"{check.difference:.2g}", f"{check.tolerance:g}"
    return checked_in_words(difference, tolerance, ", ".join(map(str, check.lengths))), True
