"""A root with tiny runs, and a service that is really listening, for tests of the service and its clients."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import uvicorn

import evo_nas
from evo_nas.config import configured
from evo_nas.experiment import Experiment
from evo_nas.runs import Run
from evo_nas.server.options import ServerOptions
from evo_nas.server.serving import server_config

COLUMNS = tuple("abcdef")
VERDICT = {"finalists": 1, "cuts": 1, "trials": 1, "seeds": 1, "most_seeds": 1, "opponents": ["gru"]}


def rows(count: int = 60) -> pd.DataFrame:
    """Rows of six steps; the class says whether the first is positive."""
    values = np.random.default_rng(0).normal(size=(count, len(COLUMNS))).round(3)
    frame = pd.DataFrame(values, columns=list(COLUMNS))
    return frame.assign(label=np.where(values[:, 0] > 0, "up", "down"))


def settings(data: Path, **changes: Any) -> dict[str, Any]:
    """A search of a second or two over a file of `rows`."""
    return {
        "name": "tiny",
        "seed": 1,
        "task": {"kind": "classification", "path": str(data), "split": {"by": "time"}},
        "space": {"layers": {"min": 1, "max": 1}, "widths": [4, 6], "batch_sizes": [16]},
        "training": {"epochs": 1, "device": "cpu"},
        "strategy": {"kind": "random"},
        "budget": {"evaluations": 6},
        "verdict": VERDICT,
        **changes,
    }


def make_root(folder: Path) -> Path:
    """A root with the runs ``judged`` and ``open``, which has no verdict, and beside it the data ``data/rows.csv``."""
    data, root = folder / "data", folder / "runs"
    data.mkdir()
    rows().to_csv(data / "rows.csv", index=False)
    evo_nas.search(settings(data / "rows.csv"), root / "judged", executor="inline")
    unjudged = settings(data / "rows.csv", name="open", verdict={"at_end": False})
    with Experiment.of(configured(unjudged)).open(Run.at(root / "open"), executor="inline") as search:
        search.run()
    return root


def options(root: Path, **changes: Any) -> ServerOptions:
    """How tests start a service on ``root``: at a free port, for searches without Ray."""
    usual = {"data": (str(root.parent / "data"),), "port": 0, "inline": True}
    return ServerOptions(root=str(root), state=root / ".service", **(usual | changes))


@contextmanager
def serving(served: ServerOptions) -> Iterator[str]:
    """Yields the URL of a service that listens."""
    config = server_config(served)
    config.port, config.timeout_graceful_shutdown = served.port, 1
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the service did not start"
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(timeout=20)
