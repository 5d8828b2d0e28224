"""Records the run that `test_recorded_run` reads, in today's format.

    python -m tests.ledger.record_fixture

Run from the root of the repository after a change of the format that need not be readable any more. The run is the
same each time and on every machine, but for the versions of evo-nas and Python that it names.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import patch

from evo_nas.ledger import Ledger, RunRecord
from tests.ledger.samples import MemoryStore, candidates, evaluations

FOLDER = Path(__file__).parent / "fixtures" / "recorded-run"
RECORD = replace(
    RunRecord.new(
        "recorded", seed=7, config={"strategy": {"kind": "aging"}}, data={"series.csv": "0123456789abcdef"}
    ),
    run_id="0f1e2d3c4b5a69788796a5b4c3d2e1f0",
    created_at="2026-11-29T12:00:00+00:00",
)
SETTINGS = {"budget": {"evaluations": 9}}


def record() -> MemoryStore:
    """Makes the run: two terms, the second with other settings, and two candidates in flight."""
    owners, store = count(), MemoryStore()
    with patch.multiple(
        "evo_nas.ledger.fencing",
        uuid4=lambda: SimpleNamespace(hex=f"{next(owners):032x}"),
        socket=SimpleNamespace(gethostname=lambda: "host"),
        os=SimpleNamespace(getpid=lambda: 1),
    ):
        with Ledger.create(store, RECORD, describe=lambda genome: f'{{"genome": {list(genome)}}}') as ledger:
            ledger.append(evaluations(0, 2, 1), born=candidates(3, 4))
        with Ledger.open(store, settings=SETTINGS) as ledger:
            ledger.append(evaluations(4), born=candidates(5))
    return store


def main() -> None:
    shutil.rmtree(FOLDER, ignore_errors=True)
    for name, content in record().files.items():
        path = FOLDER / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


if __name__ == "__main__":
    main()
