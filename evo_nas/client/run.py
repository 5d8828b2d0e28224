"""`RemoteRun`: one run of a service."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from pyarrow import parquet

from evo_nas.client.asking import content_of, given
from evo_nas.client.event_stream import EventStream
from evo_nas.client.models import Champion, Exported, Launched, Prediction, RunDetail
from evo_nas.client.works import RunWorks
from evo_nas.sessions.events import event_from_json

if TYPE_CHECKING:
    import os
    from collections.abc import Generator, Mapping, Sequence

    from evo_nas.sessions.events import Event

FIGURE = re.compile(r'<figure id="([a-z0-9-]+)"')
"""Finds the names of the figures in a report."""
CHECK_HEADER = "Evo-Nas-Check"
"""`checked`, or `unchecked` with the reason: the program that runs the format is not where the service runs."""


class RemoteRun(RunWorks):
    """One run of a service, which need not exist.

    Args:
        connection: The service.
        name: Its name under the root of the service.

    Raises:
        ConfigError: ``name`` is none, such as the directory of a run.
    """

    def detail(self) -> RunDetail:
        """Returns its state, configuration, totals, best candidates, verdict and failures.

        Raises:
            ServiceError: There is no such run.
            ExecutionError: No service answers; the other methods raise it, too.
        """
        return RunDetail.model_validate(self._values("GET", ""))

    def evaluations(
        self, *, columns: Sequence[str] = (), status: str | None = None, after: int = -1
    ) -> pa.Table:
        """Returns its evaluations in the order of telling, with the columns of the ledger and the ``value``.

        Args:
            columns: Names of columns; all by default.
            status: Only evaluations that ended so.
            after: Only evaluations with a higher ``seq``, such as those that came since the last call.
        """
        asked = {"format": "parquet", "after": after, "columns": ",".join(columns), "status": status}
        response = self._connection.send("GET", self._path("/evaluations"), params=given(asked))
        return parquet.read_table(io.BytesIO(response.content))

    def best(self, count: int = 10) -> list[dict[str, Any]]:
        """Returns its best candidates, best first.

        Args:
            count: Most of them, up to 200.

        Raises:
            ServiceError: There is no such run, or the count is another one.
        """
        values: list[dict[str, Any]] = self._values("GET", "/candidates", params={"count": count})
        return values

    def candidate(self, number: int) -> dict[str, Any]:
        """Returns everything about one candidate: its training, its equations, its parents and children.

        Raises:
            ServiceError: It has no result.
        """
        values: dict[str, Any] = self._values("GET", f"/candidates/{number}")
        return values

    def stream(self, *, after: str | None = None) -> EventStream:
        """Returns the messages of its search as the service sends them; see `events`."""
        return EventStream(self._connection, self.name, after=after)

    def events(self, *, after: str | None = None) -> Generator[Event, None, None]:
        """Yields the events of its search until it is over, also across restarts of the service.

        The latest event of each kind comes first. A run that was searched from a shell has no events.

        Args:
            after: Id of a message of `stream`, whose followers alone are wanted.

        Raises:
            EvoNasError: The service refuses.
        """
        for message in self.stream(after=after).messages():
            event = event_from_json(message.data)
            if event is not None:
                yield event

    def wait(self) -> RunDetail:
        """Returns what is known of the run once nothing is done for it any more; ``state`` says how it ended."""
        for _ in self.stream().messages():
            pass
        return self.detail()

    def stop(self, *, drain_s: float = 0.0) -> Launched:
        """Has its search commit what it has and end; `wait` returns when it has.

        Args:
            drain_s: In a cluster, the longest wait for candidates that are being trained.

        Raises:
            ServiceError: Nothing searches it.
        """
        return self._launched("/stop", {"drain_s": drain_s})

    def resume(
        self,
        *,
        budget: Mapping[str, float | None] | None = None,
        workers: int | None = None,
        accept_data_loss: bool = False,
    ) -> Launched:
        """Goes on with its search.

        Args:
            budget: Keys of the section ``budget`` with new totals.
            workers: Exact number of worker processes.
            accept_data_loss: Whether to go on although committed evaluations are damaged or missing.

        Raises:
            ServiceError: It is being searched already, or nothing is left to do.
        """
        body = {"budget": dict(budget or {}), "workers": workers, "accept_data_loss": accept_data_loss}
        return self._launched("/resume", body)

    def fork(
        self, name: str, changes: Mapping[str, Any] | None = None, *, warm_start: bool = False
    ) -> RemoteRun:
        """Begins another run with the configuration of this one and changes of it.

        Args:
            name: Name of the new run.
            changes: Dotted keys of the configuration with their new values.
            warm_start: Whether it begins with the best networks of this run.
        """
        self._launched("/fork", {"name": name, "changes": dict(changes or {}), "warm_start": warm_start})
        return RemoteRun(self._connection, name)

    def judge(  # noqa: PLR0913 - one for each option
        self,
        *,
        finalists: int | None = None,
        cuts: int | None = None,
        trials: int | None = None,
        seeds: int | None = None,
        most_seeds: int | None = None,
        opponents: Sequence[str] | None = None,
        tuned: bool = False,
        workers: int | None = None,
    ) -> Launched:
        """Judges its best networks again and retrains the champion; `wait` returns when it has, `events` tell of it.

        What is not given is as the section ``verdict`` of the configuration says.

        Args:
            finalists: Finalists that are judged.
            cuts: Trainings that judge each of them.
            trials: Settings tried for each contestant.
            seeds: Networks that are kept of each.
            most_seeds: So many where fewer cannot tell champion and opponents apart.
            opponents: Names of published cells, such as ``lstm``.
            tuned: Whether settings that `tune` has found for all of them are tried, too.
            workers: Trainings at the same time; by default as many as the run had workers.

        Raises:
            ServiceError: Something else is done for the run, or it has no evaluations.
        """
        body = {
            "finalists": finalists,
            "cuts": cuts,
            "trials": trials,
            "seeds": seeds,
            "most_seeds": most_seeds,
            "opponents": None if opponents is None else [*opponents],
            "tuned": tuned,
            "workers": workers,
        }
        return self._launched("/champion", body)

    def champion(self) -> Champion:
        """Returns the verdict and what is known of the champion.

        Raises:
            ServiceError: It keeps no champion yet.
        """
        return Champion.model_validate(self._values("GET", "/champion"))

    def predict(  # noqa: PLR0913 - one for each option
        self,
        *,
        rows: Sequence[Mapping[str, Any]] | None = None,
        inputs: Sequence[Any] | None = None,
        text: str | None = None,
        score: bool = False,
        rolling: bool = False,
        stride: int | None = None,
        length: int | None = None,
        temperature: float | None = None,
        seed: int | None = None,
    ) -> Prediction:
        """Returns what the champion says of raw data: ``rows``, ``inputs`` or ``text``.

        Args:
            rows: Rows of a table with the columns of the task; what is predicted need not be among them.
            inputs: Sequences: lists of steps with a list of values each, texts, or lists of tokens.
            text: The beginning of a text that the champion continues.
            score: Whether predictions are compared with what the rows say.
            rolling: Whether rows that are known are forecast again, from one origin after the other.
            stride: Rows between these origins; as many as a forecast has by default.
            length: Tokens or frames that are drawn; 200 by default.
            temperature: Above 1 what is drawn is more varied, below 1 more likely; 1 by default.
            seed: Of what is drawn; 0 by default.

        Raises:
            DataError: The data are not of the kind that the network learnt from.
            ConfigError: There is not exactly one kind of data.
            ServiceError: It keeps no champion yet.
        """
        posted = {
            "rows": None if rows is None else [dict(each) for each in rows],
            "inputs": None if inputs is None else [*inputs],
            "text": text,
            "score": score,
            "rolling": rolling,
            "stride": stride,
            "length": length,
            "temperature": temperature,
            "seed": seed,
        }
        return Prediction.model_validate(self._values("POST", "/predict", json=given(posted)))

    def predict_file(
        self,
        path: str | os.PathLike[str],
        *,
        score: bool = False,
        rolling: bool = False,
        stride: int | None = None,
        length: int | None = None,
        temperature: float | None = None,
        seed: int | None = None,
    ) -> Prediction:
        """Returns what the champion says of a file of this machine, which is sent to the service.

        Args:
            path: Raw data in the format of the task, or what the champion shall continue.
            score: Whether predictions are compared with what the file says.
            rolling: Whether rows that it has are forecast again, from one origin after the other.
            stride: As of `predict`.
            length: As of `predict`; it lets a champion of music continue the file.
            temperature: As of `predict`.
            seed: As of `predict`.

        Raises:
            DataError: There is no such file, or it is not of the kind that the network learnt from.
        """
        file = Path(path)
        how = {
            "score": score,
            "rolling": rolling,
            "stride": stride,
            "length": length,
            "temperature": temperature,
            "seed": seed,
        }
        return Prediction.model_validate(
            self._values(
                "POST",
                "/predict/file",
                params={"name": file.name, **given(how)},
                data=content_of(file),
                headers={"Content-Type": "application/octet-stream"},
            )
        )

    def export(
        self,
        kind: str,
        out: str | os.PathLike[str],
        *,
        which: str | None = None,
        streaming: bool = False,
        int8: bool = False,
        opset: int | None = None,
    ) -> Exported:
        """Writes the champion to a directory of this machine.

        Args:
            kind: A format, such as ``native`` or ``onnx``; `Champion.formats` has all.
            out: A directory that is new or empty.
            which: What is exported, one of `Champion.models`; the champion by default.
            streaming: One step a call, states in and out, where the format has it.
            int8: Weights as 8-bit integers, where the format has it.
            opset: Version of the operator set of ONNX.

        Raises:
            ChampionError: The directory is not empty, or the format cannot express the champion.
            ServiceError: There is no such format, or no champion yet.
        """
        options = {"which": which, "streaming": streaming, "int8": int8, "opset": opset}
        files, response = self._unpacked(f"/exports/{kind}", Path(out), **given(options))
        return Exported(files=files, check=response.headers.get(CHECK_HEADER, ""))

    def report(
        self, out: str | os.PathLike[str], *, figures: str | os.PathLike[str] | None = None
    ) -> list[Path]:
        """Writes its report, one HTML file that needs no network, and returns what was written.

        Args:
            out: The file.
            figures: A directory for every figure as SVG and PNG; none are written by default.
        """
        page = self._fetched("/report", Path(out))
        written = [page]
        if figures is not None:
            for name in FIGURE.findall(page.read_text(encoding="utf-8")):
                for kind in ("svg", "png"):
                    path = Path(figures, f"{name}.{kind}")
                    written.append(self._fetched(f"/figures/{name}", path, format=kind))
        return written

    def _fetched(self, what: str, path: Path, **asked: str) -> Path:
        response = self._connection.send("GET", self._path(what), params=asked)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(response.content)
        return path

    def logs(self, *, tail: int = 1000) -> str:
        """Returns the last lines that the newest process of its search printed beside its events."""
        return self._connection.send("GET", self._path("/logs"), params={"tail": tail}).text
