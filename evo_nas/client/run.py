"""`RemoteRun`: one run of a service."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from pyarrow import parquet

from evo_nas.client.asking import given
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
        """Returns what is known of the run once its search is over."""
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

    def judge(self, **options: Any) -> Launched:
        """Judges its best networks again and retrains the champion; `events` has the verdict.

        Args:
            options: Of the section ``verdict``: finalists, cuts, trials, seeds, most_seeds, opponents; ``tuned=True``
                to try what `tune` has found, too, and ``workers``, the number of trainings at the same time.
        """
        return self._launched("/champion", options)

    def champion(self) -> Champion:
        """Returns the verdict and what is known of the champion.

        Raises:
            ServiceError: It keeps no champion yet.
        """
        return Champion.model_validate(self._values("GET", "/champion"))

    def predict(self, **posted: Any) -> Prediction:
        """Returns what the champion says of raw data.

        Args:
            posted: ``rows=[{column: value}, ...]``, ``inputs=[sequence, ...]`` or ``text="..."``; with rows
                ``score=True`` and ``rolling=True``, and for what is drawn ``length``, ``temperature`` and ``seed``.

        Raises:
            DataError: The data are not of the kind that the network learnt from.
        """
        return Prediction.model_validate(self._values("POST", "/predict", json=posted))

    def predict_file(self, path: str | os.PathLike[str], **how: Any) -> Prediction:
        """Returns what the champion says of a file of this machine, which is sent to the service.

        Args:
            path: Raw data in the format of the task, or what the champion shall continue.
            how: ``score=True`` compares predictions with what the file says; ``rolling=True`` forecasts rows that it
                has, again after every ``stride``; ``length``, ``temperature`` and ``seed``
                let a champion of texts or of music continue it.

        Raises:
            DataError: The file is not of the kind that the network learnt from.
        """
        file = Path(path)
        return Prediction.model_validate(
            self._values(
                "POST",
                "/predict/file",
                params={"name": file.name, **given(how)},
                data=file.read_bytes(),
                headers={"Content-Type": "application/octet-stream"},
            )
        )

    def export(self, kind: str, out: str | os.PathLike[str], **options: Any) -> Exported:
        """Writes the champion to a directory of this machine.

        Args:
            kind: A format, such as ``native`` or ``onnx``.
            out: A directory that is new or empty.
            options: ``which``, ``streaming``, ``int8`` and ``opset``, as of ``evo-nas export``.

        Raises:
            ChampionError: The directory is not empty, or the format cannot express the champion.
        """
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
