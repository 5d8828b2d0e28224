"""`Client`: a service from Python."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from evo_nas.client.connection import Connection
from evo_nas.client.models import Launched, RunItem, StateName
from evo_nas.client.run import RemoteRun
from evo_nas.client.works import ANALYSIS_S
from evo_nas.config import SearchConfig, load_config
from evo_nas.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PAGE = 200
PATIENCE_S = 10.0
"""So long a service waits with a list for runs that it reads for the first time."""


class Client:
    """A service that `evo-nas serve` has started, here or elsewhere.

    ::

        with evo_nas.Client("http://127.0.0.1:8765") as client:
            run = client.submit("configs/quickstart.yaml")
            for event in run.events():
                print(event)
            print(run.champion().sentence)
            run.export("onnx", "champion")

    Args:
        url: Where the service is.
        token: What it wants to be shown; by default the environment variable ``EVO_NAS_TOKEN``.
        timeout_s: Longest wait in seconds until it accepts a connection.

    Raises:
        ConfigError: ``url`` is no URL of HTTP, or ``token`` cannot be one.
    """

    def __init__(self, url: str, token: str | None = None, *, timeout_s: float = 10.0) -> None:
        self._connection = Connection(url, token or os.environ.get("EVO_NAS_TOKEN"), timeout_s=timeout_s)

    def __repr__(self) -> str:
        return f"Client({self.url!r})"

    @property
    def url(self) -> str:
        """Where the service is."""
        return self._connection.url

    def submit(
        self,
        config: str | os.PathLike[str] | Mapping[str, Any] | SearchConfig,
        *,
        name: str | None = None,
        workers: int | None = None,
        key: str | None = None,
    ) -> RemoteRun:
        """Begins a search, or finds the one that the same configuration began under the same name.

        Args:
            config: A YAML file, its content as a mapping, or a checked configuration. Files that it names are those
                of the machine of the service.
            name: Name of the run; by default that of the configuration.
            workers: Exact number of worker processes.
            key: Under which the request is known if it is sent again; by default it follows from the others.

        Raises:
            ConfigError: The configuration is wrong; one line for each problem.
            ServiceError: Another run has this name.
            ExecutionError: No service answers.
        """
        return self.run(self.launch(config, name=name, workers=workers, key=key).name)

    def launch(
        self,
        config: str | os.PathLike[str] | Mapping[str, Any] | SearchConfig,
        *,
        name: str | None = None,
        workers: int | None = None,
        key: str | None = None,
    ) -> Launched:
        """Does what `submit` does, and returns what was started, or the state of what was found."""
        values = _values_of(config)
        if name is not None:
            values.setdefault("name", name)  # so that a mapping need not name the run a second time
        body = {"config": values, "name": name, "workers": workers}
        text = json.dumps(body, sort_keys=True)
        known = key or hashlib.sha256(text.encode()).hexdigest()
        launched = self._connection.values(
            "POST",
            "/runs",
            data=text,
            headers={"Content-Type": "application/json", "Idempotency-Key": known},
        )
        return Launched.model_validate(launched)

    def run(self, name: str) -> RemoteRun:
        """Returns the run of this name, without asking whether there is one.

        Raises:
            ConfigError: ``name`` is none, such as the directory of a run.
        """
        return RemoteRun(self._connection, name)

    def runs(self, *, q: str = "", state: StateName | None = None, task: str = "") -> list[RunItem]:
        """Returns the runs of the service, the one with the latest result first; waits for one that has just started.

        Args:
            q: Part of the name.
            state: Only runs in this state.
            task: Only runs of this kind of task.
        """
        asked = {"q": q, "state": state, "task": task, "per_page": PAGE, "patience_s": PATIENCE_S}
        found: list[RunItem] = []
        while True:
            values = self._connection.values("GET", "/runs", params={**asked, "page": len(found) // PAGE + 1})
            if values["reading"]:
                found.clear()  # it has not read all runs yet, and those that come will move the others
                continue
            found += [RunItem.model_validate(each) for each in values["runs"]]
            if len(found) >= values["total"] or not values["runs"]:
                return found

    def compare(self, runs: Sequence[str]) -> dict[str, Any]:
        """Returns how champions, opponents and the strongest baseline rank over judged runs, one data set each.

        Args:
            runs: Names of runs.

        Raises:
            ConfigError: There are fewer than two.
            ChampionError: One of them has no verdict.
            ServiceError: There is no such run.
        """
        values: dict[str, Any] = self._connection.values("GET", "/compare/ranking", params={"run": [*runs]})
        return values

    def portfolio(self, runs: Sequence[str], output: str | os.PathLike[str], *, count: int = 10) -> Path:
        """Writes networks of finished runs that complement each other to a new file, for ``warm_start`` of searches.

        Args:
            runs: Names of two runs or more.
            output: The file, such as ``portfolio.json``.
            count: Most networks of the portfolio.

        Raises:
            ConfigError: The file exists, there are fewer than two runs, or one has no network that was trained.
            ServiceError: There is no such run.
        """
        path = Path(output)
        if path.exists():
            raise ConfigError(f"{path} exists; name a new file with --output")
        asked = {"run": [*runs], "count": count}
        response = self._connection.send("GET", "/portfolio", params=asked, read_s=ANALYSIS_S)
        path.write_bytes(response.content)
        return path

    def look(
        self, config: str | os.PathLike[str] | Mapping[str, Any] | SearchConfig, *, baselines: bool = False
    ) -> dict[str, Any]:
        """Returns how the service understands the data of a configuration: ``fields``, and a ``picture`` as SVG.

        Args:
            config: As for `submit`.
            baselines: Whether to fit the baselines, which may take a minute.
        """
        body = {"config": _values_of(config), "baselines": baselines}
        values: dict[str, Any] = self._connection.values("POST", "/data/look", json=body)
        return values

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections."""
        self._connection.close()


def _values_of(config: str | os.PathLike[str] | Mapping[str, Any] | SearchConfig) -> dict[str, Any]:
    if isinstance(config, str | os.PathLike):
        config = load_config(os.fspath(config))
    if not isinstance(config, SearchConfig):
        return dict(config)
    # Without a directory that nobody has named: the service has its own for relative paths.
    return config.model_dump(mode="json", exclude_unset=True)
