"""Every evaluation of a run, in pages and as a file."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fastapi.testclient import TestClient

from evo_nas.ledger import SCHEMA, Ledger, RunRecord
from evo_nas.runs import Run
from evo_nas.server.app import create_app
from tests.ledger.samples import evaluations
from tests.served import options, settings

TOLD = 30


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run in segments of ten, with failures of every kind."""
    place = tmp_path_factory.mktemp("runs") / "mixed"
    record = RunRecord.new("mixed", seed=1, config=settings(place / "rows.csv"))
    with Ledger.create(place, record, describe=lambda genome: "{}") as ledger:
        for first in range(0, TOLD, 10):
            ledger.append(evaluations(*range(first, first + 10)), born=[])
    return Run.at(place)


@pytest.fixture(scope="module")
def client(run: Run) -> TestClient:
    return TestClient(create_app(options(Path(run.location).parent)), base_url="http://127.0.0.1")


def page(client: TestClient, **query: Any) -> dict[str, Any]:
    answered = client.get("/api/v1/runs/mixed/evaluations", params=query)
    assert answered.status_code == 200, answered.text
    told: dict[str, Any] = answered.json()
    return told


def test_pages_follow_each_other_and_have_every_evaluation_once(client: TestClient) -> None:
    seen: list[int] = []
    after: int | None = -1
    while after is not None:
        told = page(client, after=after, limit=7)
        assert told["total"] == TOLD
        seen += [row["seq"] for row in told["evaluations"]]
        after = told["next"]
    assert seen == list(range(TOLD))


def test_a_page_has_only_what_was_asked_for(client: TestClient, run: Run) -> None:
    failed = [row["seq"] for row in run.table().to_pylist() if row["status"] in ("failed", "diverged")]
    told = page(client, status=["failed", "diverged"], columns="seq,error", limit=1000)
    assert [row["seq"] for row in told["evaluations"]] == failed
    assert told["total"] == len(failed)
    assert set(told["evaluations"][0]) == {"seq", "error"}


@pytest.mark.parametrize("sort", ["value", "-value", "-parameters"])
def test_pages_in_another_order_are_sorted_as_a_whole(client: TestClient, sort: str) -> None:
    key = sort.removeprefix("-")
    pages = [page(client, sort=sort, after=after, limit=8)["evaluations"] for after in (-1, 8, 16, 24)]
    values = [row[key] for each in pages for row in each]
    known = [value for value in values if value is not None]
    assert known == sorted(known, reverse=sort.startswith("-"))
    assert values[len(known) :] == [None] * (TOLD - len(known))


def test_csv_and_parquet_have_all_rows(client: TestClient, run: Run) -> None:
    path = "/api/v1/runs/mixed/evaluations"
    rows = list(csv.DictReader(io.StringIO(client.get(path, headers={"Accept": "text/csv"}).text)))
    assert [int(row["seq"]) for row in rows] == list(range(TOLD))
    assert rows[3]["parents"] == "[1, 2]"
    content = client.get(path, params={"format": "parquet"}).content
    assert pq.read_table(pa.BufferReader(content)).select(SCHEMA.names).equals(run.table())


def test_a_filtered_file_has_its_headings_even_without_rows(client: TestClient) -> None:
    told = client.get(
        "/api/v1/runs/mixed/evaluations", params={"format": "csv", "status": "trained", "columns": "seq,id"}
    )
    assert told.text.split() == ['"seq","id"']


def test_a_column_that_is_none_is_refused_by_name(client: TestClient) -> None:
    answered = client.get("/api/v1/runs/mixed/evaluations", params={"columns": "seq,colour"})
    assert answered.status_code == 422
    assert answered.json()["detail"].startswith("columns has 'colour'; each must be one of id, seq")
