"""`Source`: where a command finds runs and champions - on this machine, or at a service (``--service``)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from rich.console import RenderableType

    from evo_nas.champion.explanation import Explanation
    from evo_nas.champion.exporters.exporter import ExportOptions
    from evo_nas.champion.fine_tuning import Origin
    from evo_nas.champion.kept_ensemble import EnsembleReport
    from evo_nas.champion.ranking import Ranking
    from evo_nas.cli.looks import Look
    from evo_nas.cli.predictors import Predictor
    from evo_nas.config import SearchConfig, VerdictOptions
    from evo_nas.runs.portfolio import Member
    from evo_nas.sessions import Session
    from evo_nas.sessions.events import Event
    from evo_nas.sessions.tuning import TuningOptions
    from evo_nas.views.run_summary import RunSummary
    from evo_nas.views.run_view import RunView
    from evo_nas.views.verification import Verification

_Command = TypeVar("_Command", bound="Callable[..., None]")
_KEY = "evo_nas.service"


@dataclass(frozen=True, slots=True)
class Written:
    """An export that was written.

    Attributes:
        files: Its files.
        told: What came of the comparison with the model, in words.
        is_checked: Whether there was one.
    """

    files: Sequence[Path]
    told: str
    is_checked: bool


class Shown(Protocol):
    """What a command shows: read here, or told by a service."""

    def to_values(self) -> dict[str, Any]:
        """Returns plain values for JSON."""

    def render(self) -> RenderableType:
        """Returns the same for people."""


@dataclass(frozen=True, slots=True)
class Retrained:
    """A champion that was trained on new data, and written.

    Attributes:
        files: Its files.
        settings: How it was trained, in words.
        sentence: What it is worth beside what it was before.
    """

    files: Sequence[Path]
    settings: str
    sentence: str

    def to_values(self) -> dict[str, Any]:
        """Returns plain values for JSON."""
        return {"files": [*map(str, self.files)], "settings": self.settings, "sentence": self.sentence}


class Source(ABC):
    """Where commands find runs; every command that knows ``--service`` asks it, and never where it is."""

    @abstractmethod
    def default_place(self, name: str) -> str:
        """Returns where the search of a configuration of this name is kept, if nobody says it."""

    @abstractmethod
    def session(self, place: str, *, address: str | None, logs: bool, **here: bool) -> Session:
        """Returns a session for the run at ``place``.

        Args:
            place: A directory, a URI, or the name of a run of a service.
            address: The cluster, if one is named.
            logs: Whether log lines of a manager in a cluster are printed, too.
            here: ``inline`` and ``accept_data_loss``, as for `open_session`.
        """

    @abstractmethod
    def summaries(self, root: str) -> list[RunSummary]:
        """Returns a line about each run at and under ``root``."""

    @abstractmethod
    def run_view(self, run: str, *, top: int, candidate: int | None) -> RunView:
        """Returns what ``show`` shows of a run; see `RunView.of`."""

    @abstractmethod
    def look(self, config: SearchConfig, *, baselines: bool, limit_s: float) -> Look:
        """Returns how the data of a configuration are understood.

        Args:
            config: The configuration.
            baselines: Whether to fit the baselines.
            limit_s: Begin no further baseline after this time; a service has a limit of its own.
        """

    @abstractmethod
    def print_status(self, run: str | None, *, address: str | None, as_json: bool) -> None:
        """Prints the progress of the searches of a cluster or a service, or only that of ``run``."""

    @abstractmethod
    def log_lines(self, run: str, *, address: str | None, follow: bool) -> Iterator[str]:
        """Yields what the process of a run has printed; with ``follow`` until it ends."""

    @abstractmethod
    def judge(self, run: str, options: VerdictOptions, **how: Any) -> Iterator[Event]:
        """Judges the best networks of a run again, and yields what is being done.

        Args:
            run: The run.
            options: What is trained for the verdict.
            how: ``tuned``, as for `sessions.judging.judge`; ``workers``, ``inline`` and ``address`` of the trainings.
        """

    @abstractmethod
    def explanation(self, place: str, *, candidate: int | None, sample: bool) -> Explanation:
        """Returns what is known of a network; see `views.explanations.explanation_of`."""

    @abstractmethod
    def verification(self, run: str) -> Verification:
        """Checks the files of a run and derives its candidates again; see `views.verification.verification_of`."""

    @abstractmethod
    def ranking(self, runs: Sequence[str]) -> Ranking:
        """Returns how champions, opponents and baselines rank over ``runs``; see `champion.ranking.ranked`."""

    @abstractmethod
    def portfolio(self, runs: Sequence[str], output: Path, *, count: int) -> Sequence[Member]:
        """Learns which networks to begin with from finished ``runs``, and writes them to a new file ``output``."""

    @abstractmethod
    def replay(self, run: str, overrides: Sequence[str], *, workers: int | None, draws: int) -> Shown:
        """Returns what other rungs would have saved in a run; see `ReplayView.of`."""

    @abstractmethod
    def finalists(self, run: str, *, count: int, trainings: int, judge: bool, **how: Any) -> Shown:
        """Returns the best distinct networks of a run.

        Args:
            run: The run.
            count: How many of them.
            trainings: Trainings that judge each of them.
            judge: Whether these trainings are made now.
            how: ``workers``, ``inline`` and ``address`` of the trainings.
        """

    @abstractmethod
    def tuning(self, run: str, options: TuningOptions, *, out: Path | None, **how: Any) -> Shown:
        """Tunes the training of one network of a run.

        Args:
            run: The run.
            options: What is tuned, and how.
            out: A new directory for a champion that is trained with what was found; None for none.
            how: ``workers`` and ``address`` of the trials.
        """

    @abstractmethod
    def ensemble(self, run: str, *, size: int | None) -> EnsembleReport:
        """Selects an ensemble in a run; see `champion.kept_ensemble.make_ensemble`."""

    @abstractmethod
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
        """Trains a champion on new data and writes it to ``out``; see `retrain_on`.

        Args:
            champion: A run, or an exported champion.
            data: Files of this machine, or ``there`` of the service.
            out: A new or empty directory.
            there: Whether the data lie where the runs are.
            origin: Whether the weights are trained on, or drawn anew.
            epochs: Passes over the training part; None for those of its first training.
        """

    @abstractmethod
    def asked(self, run: str, *, proposals: int, since: int | None, top: int) -> Iterable[dict[str, Any]]:
        """Returns what a program needs to propose networks; see `runs.exchange.asked`."""

    @abstractmethod
    def handed_in(self, run: str, texts: Iterable[str], *, name: str) -> Iterable[dict[str, Any]]:
        """Hands in proposals, and returns what is told of each; see `runs.exchange.handed_in`."""

    @abstractmethod
    def report(self, run: str, out: Path, *, figures: Path | None) -> list[Path]:
        """Writes the report of a run, and returns what was written."""

    @abstractmethod
    def export(
        self, run: str, out: Path, *, kind: str, which: str, options: ExportOptions, **how: Any
    ) -> Written:
        """Writes the champion of a run to the directory ``out``; judges it first where that is possible.

        Args:
            run: The run.
            out: A new or empty directory.
            kind: Name of the format.
            which: What is exported.
            options: What is asked of the format.
            how: ``workers``, ``inline`` and ``address`` of the trainings, if it is judged.
        """

    @abstractmethod
    def predictor(self, place: str) -> Predictor:
        """Returns the champion of a run, or an exported one, ready to be asked."""


def source_option(command: _Command) -> _Command:
    """Lets ``command`` work on the runs of a service; it asks `source` for them."""
    command = click.option(
        "--token-file",
        type=click.Path(path_type=Path, dir_okay=False),
        metavar="FILE",
        expose_value=False,
        callback=_keep,
        help="File with the token of the service; by default it is taken from EVO_NAS_TOKEN.",
    )(command)
    return click.option(
        "--service",
        metavar="URL",
        envvar="EVO_NAS_SERVICE",
        expose_value=False,
        callback=_keep,
        help="A service that `evo-nas serve` has started; runs are given by their names there.",
    )(command)


def source() -> Source:
    """Returns where the command that is being run finds runs."""
    meta = click.get_current_context().meta
    url = meta.get(f"{_KEY}.service")
    if url is None:
        from evo_nas.cli.this_machine import ThisMachine

        return ThisMachine()
    from evo_nas.cli.at_service import AtService
    from evo_nas.client import Client

    return AtService(Client(url, _token(meta.get(f"{_KEY}.token_file"))))


def service_url() -> str | None:
    """Returns the service that the command was given; None for this machine."""
    url: str | None = click.get_current_context().meta.get(f"{_KEY}.service")
    return url


def _keep(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    if value is not None:
        context.meta[f"{_KEY}.{parameter.name}"] = value


def _token(file: Path | None) -> str | None:
    from evo_nas.errors import ConfigError

    if file is None:
        return None
    try:
        token = file.read_text(encoding="ascii").strip()
    except OSError as error:
        raise ConfigError(f"--token-file {file} cannot be read: {error.strerror}; check the path") from None
    except UnicodeError:
        raise ConfigError(f"--token-file {file} is no text in ASCII; it must hold the token alone") from None
    if not token:
        raise ConfigError(f"--token-file {file} is empty; it must hold the token of the service")
    return token
