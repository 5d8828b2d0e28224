"""A digest tells of a run what the run itself tells, however its evaluations arrived."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evo_nas.errors import CorruptLedgerError
from evo_nas.evaluation import Candidate, Evaluation, Outcome, Status
from evo_nas.ledger import Ledger, RunRecord
from evo_nas.runs import Run
from evo_nas.views.charts import chart_of
from evo_nas.views.course import MOST_POINTS
from evo_nas.views.digest import RunDigest
from evo_nas.views.run_summary import summary_of
from tests.served import settings


def evaluation(key: int, *, kind: str) -> Evaluation:
    """Evaluation ``key`` of a run that is ``plain``, has ``rungs``, ``repeats`` some, or ``inherits`` weights."""
    rng = random.Random(key)
    status = rng.choice([Status.OK] * 6 + [Status.DIVERGED, Status.FAILED])
    repeats = key - 3 if kind == "repeats" and key > 5 and key % 4 == 0 else None
    continues, epochs = None, 9
    if kind == "rungs" and status is Status.OK:
        if key % 5 == 4 and evaluation(key - 2, kind=kind).status is Status.PRUNED:
            continues = key - 2
        elif rng.random() < 0.6:
            status, epochs = Status.PRUNED, 3
    # Coarse, so that many are equal; those at a rung are high.
    fitness = round(rng.random(), 1) + (1.0 if status is Status.PRUNED else 0.0) if status.scored else None
    candidate = Candidate(
        id=key,
        genome=(key % 7,),
        canonical_hash=f"{key:x}",
        parents=(key - 1,) if key > 3 else (),
        operator="repeat" if repeats is not None else "mutation" if key > 3 else "random",
        seed=key,
        budget=9,
        asked_after=max(0, key - 2),
        rungs=(3,) if kind == "rungs" else (),
        thresholds=(0.2,) if kind == "rungs" else (),
        repeats=repeats,
        continues=continues,
    )
    outcome = Outcome(
        status=status,
        fitness=None if fitness is None else -fitness,
        metrics={}
        if fitness is None
        else {"validation_mse": fitness, "validation_loss": round(rng.random(), 1)},
        metric="" if fitness is None else "validation_mse",
        parameters=100 + key,
        epochs=epochs if status.scored else 0,
        train_s=2.0,
        steps=epochs,
        inherited_steps=5 if kind == "inherits" and key % 3 else 0,
        error="" if status.scored else f"{status}: of {key % 2}",
    )
    return Evaluation(candidate, outcome, worker=f"w{key % 2}", node="here", finished_at=1_790_000_000 + key)


def write(place: Path, count: int, *, kind: str, rows: int = 7, **changes: Any) -> Run:
    record = RunRecord.new(place.name, seed=1, config=settings(place / "rows.csv", **changes))
    with Ledger.create(place, record, describe=lambda genome: "{}") as ledger:
        for first in range(0, count, rows):
            keys = range(first, min(first + rows, count))
            ledger.append([evaluation(key, kind=kind) for key in keys], born=[])
    return Run.at(place)


def told(digest: RunDigest) -> tuple[Any, ...]:
    """Everything that a digest tells, to be compared."""
    chart = chart_of(digest, points=2000, x="cost")
    return (
        replace(summary_of(digest), run=""),
        chart,
        [(leader.id, leader.trainings, leader.standing) for leader in digest.leaders],
        digest.totals,
        digest.causes,
        digest.workers,
        digest.savings,
        digest.noise,
    )


KINDS = ("plain", "rungs", "repeats", "inherits")


@pytest.mark.parametrize("kind", KINDS)
def test_a_digest_ranks_and_counts_as_the_run_does(tmp_path: Path, kind: str) -> None:
    run = write(tmp_path / "run", 90, kind=kind)
    digest = RunDigest(run)
    digest.update()
    assert [leader.id for leader in digest.leaders[:10]] == [row["id"] for row in run.best(10)]
    assert [leader.standing.fitness for leader in digest.leaders[:10]] == pytest.approx(
        [row["mean_fitness"] for row in run.best(10)]
    )
    # Their messages differ in a number.
    assert len({cause.status for cause in digest.causes}) == len(digest.causes) > 0
    assert digest.totals == run.totals()
    assert digest.savings == run.savings()
    assert digest.noise == run.noise()
    best = summary_of(digest).best
    assert best == pytest.approx(-run.best(1)[0]["mean_fitness"])
    assert chart_of(digest, points=100, x="evaluations").best[-1][1] == pytest.approx(best)


@pytest.mark.parametrize("kind", KINDS)
def test_it_says_the_same_however_evaluations_arrive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    whole = RunDigest(write(tmp_path / "whole", 90, kind=kind, rows=90))
    whole.update()
    record = RunRecord.new("whole", seed=1, config=settings(tmp_path / "whole" / "rows.csv"))
    with Ledger.create(tmp_path / "grown", record, describe=lambda genome: "{}") as ledger:
        grown = RunDigest(Run.at(tmp_path / "grown"))
        for key in range(90):
            # Every 65th commit merges the small files, whose names change.
            ledger.append([evaluation(key, kind=kind)], born=[])
            if key % 3 == 0:
                assert grown.update()
                assert grown.told == key + 1
    grown.update()
    assert not grown.update()
    assert told(grown) == told(whole)
    monkeypatch.setattr("evo_nas.views.digest.ROWS", 20)
    in_parts = RunDigest(Run.at(tmp_path / "grown"))
    assert in_parts.update()
    assert told(in_parts) == told(whole)


def test_a_value_at_a_rung_is_no_best_so_far(tmp_path: Path) -> None:
    run = write(tmp_path / "run", 60, kind="rungs")
    digest = RunDigest(run)
    digest.update()
    assert digest.by_status[Status.PRUNED] > 5
    full = [row["fitness"] for row in run.table().to_pylist() if row["status"] == "ok"]
    chart = chart_of(digest, points=2000, x="evaluations")
    assert min(value for _, value in chart.best) == pytest.approx(-max(full))
    assert {point[5] for point in chart.points if point[4] == "pruned"} == {3}


def test_a_long_run_has_a_bounded_chart_with_every_best(tmp_path: Path) -> None:
    run = write(tmp_path / "run", 3 * MOST_POINTS, kind="plain", rows=2048)
    digest = RunDigest(run)
    digest.update()
    chart = chart_of(digest, points=500, x="seconds")
    assert len(digest.points.rows) <= MOST_POINTS
    assert len(chart.points) <= 500
    assert {x for x, _ in chart.best} <= {point[2] for point in chart.points}
    assert [value for _, value in chart.best] == sorted({value for _, value in chart.best}, reverse=True)
    # Two seconds of training begin every second.
    busy = np.array([value for _, value in chart.utilisation[1:-1]])
    assert busy == pytest.approx(np.full(len(busy), 2.0), abs=0.05)


def test_a_run_whose_loss_was_accepted_is_digested_anew(tmp_path: Path) -> None:
    run = write(tmp_path / "run", 40, kind="plain", rows=10)
    digest = RunDigest(run)
    digest.update()
    lost = sorted((tmp_path / "run" / "segments").iterdir())[1]
    lost.write_bytes(b"damaged")
    with pytest.raises(CorruptLedgerError, match="lacks evaluations 10 to 19"):
        RunDigest(Run.at(tmp_path / "run")).update()
    with Ledger.open(tmp_path / "run", accept_data_loss=True):
        pass
    digest.update()
    assert digest.told == 30
    assert digest.totals.lost == ((10, 19),)


def test_a_run_without_a_score_has_no_best(tmp_path: Path) -> None:
    digest = RunDigest(write(tmp_path / "run", 0, kind="plain"))
    assert not digest.update()
    assert summary_of(digest).best is None
    assert chart_of(digest, points=10, x="seconds").points == []
