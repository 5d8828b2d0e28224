"""`AtService`: the runs of a service, which commands reach by ``--service``."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import fields
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import click

from evo_nas.champion.ranking import Ranking
from evo_nas.cli.formatting import checked_in_words, out_of
from evo_nas.cli.predictors import RemotePredictor
from evo_nas.cli.sources import Retrained, Source, Written
from evo_nas.cli.tables import ServedSummary, plain_table
from evo_nas.cli.terminal import plain, wide_console
from evo_nas.cli.told import Told, told_explanation
from evo_nas.client import ServiceError, ServiceSession
from evo_nas.client.models import RunItem
from evo_nas.errors import ConfigError
from evo_nas.views.verification import Verification

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from evo_nas.champion.explanation import Explanation
    from evo_nas.champion.exporters.exporter import ExportOptions
    from evo_nas.champion.fine_tuning import Origin
    from evo_nas.champion.kept_ensemble import EnsembleReport
    from evo_nas.cli.looks import Look
    from evo_nas.cli.predictors import Predictor
    from evo_nas.cli.sources import Shown
    from evo_nas.client import Client, RemoteRun
    from evo_nas.client.models import Launched
    from evo_nas.config import SearchConfig, VerdictOptions
    from evo_nas.runs.portfolio import Member
    from evo_nas.sessions import Session
    from evo_nas.sessions.events import Event
    from evo_nas.sessions.tuning import TuningOptions
    from evo_nas.views.run_summary import RunSummary
    from evo_nas.views.run_view import RunView


class AtService(Source):
    """What commands work on with ``--service``.

    Args:
        client: The service.
    """

    def __init__(self, client: Client) -> None:
        self._client = client

    def default_place(self, name: str) -> str:
        """Returns the name: the service knows where its runs are."""
        return name

    def session(self, place: str, *, address: str | None, logs: bool, **here: bool) -> Session:  # noqa: ARG002
        """Returns a session with the service; it prints its own log lines (``evo-nas logs``)."""
        _refuse(address=address, inline=here.get("inline"))
        return ServiceSession(self._client, place, accept_data_loss=here.get("accept_data_loss", False))

    def summaries(self, root: str) -> list[RunSummary]:  # noqa: ARG002 - a service has one root
        """Asks for the runs of the service, which are called by their names."""
        names = [field.name for field in fields(ServedSummary)]
        return [
            ServedSummary(**{name: getattr(each, name) for name in names} | {"run": each.name})
            for each in self._client.runs()
        ]

    def run_view(self, run: str, *, top: int, candidate: int | None) -> RunView:
        """Asks for the run and the ancestors of the candidate."""
        from evo_nas.cli.remote_view import remote_view

        return remote_view(self._client.run(run), top=top, candidate=candidate)

    def look(self, config: SearchConfig, *, baselines: bool, limit_s: float) -> Look:  # noqa: ARG002
        """Asks how the service understands data of its own."""
        from evo_nas.cli.looks import ToldLook

        return ToldLook(self._client.look(config, baselines=baselines))

    def print_status(self, run: str | None, *, address: str | None, as_json: bool) -> None:
        """Prints the state of each run."""
        _refuse(address=address)
        found = self._client.runs() if run is None else [self._client.run(run).detail()]
        if as_json:
            for each in found:
                click.echo(each.model_dump_json(include=set(RunItem.model_fields)))
            return
        table = plain_table("run", right=("evaluated",), left=("state", ""))
        for each in found:
            table.add_row(
                plain(each.name), out_of(each.evaluated, each.evaluations), each.state, plain(each.reason)
            )
        nothing = f"no runs at {self._client.url}; start one with `evo-nas search CONFIG`"
        wide_console().print(table if found else plain(nothing))

    def log_lines(self, run: str, *, address: str | None, follow: bool) -> Iterator[str]:
        """Yields the last lines that its newest process printed, or all of them until it ends."""
        _refuse(address=address)
        watched = self._client.run(run)
        launches = watched.detail().launches if follow else ()
        if launches:
            yield from watched.log_lines(launches[-1]["number"])
        else:
            yield from watched.logs().splitlines()

    def judge(self, run: str, options: VerdictOptions, **how: Any) -> Iterator[Event]:
        """Has the service judge the run."""
        chosen = {name: how.pop(name) for name in ("tuned", "workers")}
        _refuse(**how)
        with ServiceSession(self._client, run) as session:
            session.judge(**options.model_dump(mode="json", exclude={"at_end"}), **chosen)
            yield from session.events()

    def explanation(self, place: str, *, candidate: int | None, sample: bool) -> Explanation:
        """Asks for the explanation of the champion, which the service has at hand, or of another network."""
        run = self._client.run(place)
        if candidate is None and not sample:
            with suppress(ServiceError):  # there is no champion yet, and the best so far is explained
                return told_explanation(run.champion().explanation)
        return told_explanation(run.explanation(candidate=candidate, sample=sample))

    def verification(self, run: str) -> Verification:
        """Has the service check the run."""
        told = self._client.run(run).verify()
        return Verification(told.run, told.is_verified, told.findings, told.remarks, told.sentence)

    def ranking(self, runs: Sequence[str]) -> Ranking:
        """Has the service rank what competed in the runs."""
        return Ranking.from_values(self._client.compare(runs))

    def portfolio(self, runs: Sequence[str], output: Path, *, count: int) -> Sequence[Member]:
        """Has the service learn it, and writes it here."""
        from evo_nas.runs.portfolio import read_portfolio

        self._client.portfolio(runs, output, count=count)
        return read_portfolio(output)

    def replay(self, run: str, overrides: Sequence[str], *, workers: int | None, draws: int) -> Shown:
        """Has the service replay the run."""
        return Told(self._client.run(run), "replay", set=[*overrides], workers=workers, draws=draws)

    def finalists(self, run: str, *, count: int, trainings: int, judge: bool, **how: Any) -> Shown:
        """Asks for the finalists, and has the service train them if they are to be judged."""
        found = self._client.run(run)
        if judge:
            workers = how.pop("workers")
            _refuse(**how)
            self._worked(
                found,
                lambda: found.judge_finalists(count=count, trainings=trainings, workers=workers),
            )
        return Told(found, "finalists", count=count, trainings=trainings)

    def tuning(self, run: str, options: TuningOptions, *, out: Path | None, **how: Any) -> Shown:
        """Has the service tune, and fetches what it has trained with the result."""
        from evo_nas.cli.tune_view import TuneView

        tuned, workers = self._client.run(run), how.pop("workers")
        _refuse(**how)
        names = ("candidate", "cell", "trials", "searcher", "epochs")
        asked = {name: getattr(options, name) for name in names}
        found, launch = self._worked(
            tuned, lambda: tuned.tune(**asked, workers=workers, export=out is not None)
        )
        if out is not None:
            tuned.fetch_files(launch, out)
        return TuneView(found | {"out": None if out is None else str(out)})

    def ensemble(self, run: str, *, size: int | None) -> EnsembleReport:
        """Has the service select it."""
        from evo_nas.champion.kept_ensemble import EnsembleReport

        place = self._client.run(run)
        found, _ = self._worked(place, lambda: place.make_ensemble(size=size))
        return EnsembleReport.from_values(found)

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
        """Sends the data unless they lie there, has the service train, and fetches the champion."""
        run = self._client.run(champion)
        try:
            found, launch = self._worked(
                run, lambda: run.retrain(data, there=there, origin=origin, epochs=epochs)
            )
        except ServiceError as error:
            if error.status != HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
                raise
            raise ServiceError(f"{error}, with --there", error.status) from None
        return Retrained(run.fetch_files(launch, out), found["settings"], found["sentence"])

    def asked(self, run: str, *, proposals: int, since: int | None, top: int) -> Iterable[dict[str, Any]]:
        """Asks the service."""
        return self._client.run(run).ask(proposals, since=since, top=top)

    def handed_in(self, run: str, texts: Iterable[str], *, name: str) -> Iterable[dict[str, Any]]:
        """Hands them to the service."""
        return self._client.run(run).tell([*texts], name=name)

    def report(self, run: str, out: Path, *, figures: Path | None) -> list[Path]:
        """Fetches the report, and its figures."""
        return self._client.run(run).report(out, figures=figures)

    def export(
        self, run: str, out: Path, *, kind: str, which: str, options: ExportOptions, **how: Any
    ) -> Written:
        """Fetches an export of a run that is judged."""
        _refuse(**how)
        asked = {name: getattr(options, name) for name in options.given}
        written = self._client.run(run).export(kind, out, which=which, **asked)
        return Written(written.files, f"{_in_words(written.check)} (at the service)", written.is_checked)

    def predictor(self, place: str) -> Predictor:
        """Returns the champion of a run, which answers at the service."""
        return RemotePredictor(self._client.run(place))

    def _worked(self, run: RemoteRun, begin: Callable[[], Launched]) -> tuple[dict[str, Any], int]:
        """Returns what a command has found, and the number of its launch; prints what it says meanwhile.

        The same command that is under way already is followed, as whoever was interrupted wants it.
        """
        launch = begin().launch
        try:
            return run.result(launch, say=lambda line: click.echo(line, err=True)), launch
        except KeyboardInterrupt:
            click.echo("the service goes on with it; the same command follows it", err=True)
            raise SystemExit(130) from None


def _in_words(check: str) -> str:
    """Returns what `Exported.check` says, as it is said on this machine."""
    compared = re.fullmatch(r"checked; difference=(\S+); tolerance=(\S+); lengths=(\S+)", check)
    if compared is None:
        return check.replace("; ", ": ", 1)
    difference, tolerance, lengths = compared.groups()
    return checked_in_words(difference, tolerance, lengths.replace(",", ", "))


def _refuse(**options: object) -> None:
    """Refuses options that say something about this machine, or that a service does not take."""
    for name, value in options.items():
        if value is not None and value is not False:
            given = f"--{name.replace('_', '-')}" if value is True else f"--{name.replace('_', '-')} {value}"
            raise ConfigError(f"{given} is given beside a service, which decides that itself; leave it out")
