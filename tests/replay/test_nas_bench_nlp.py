from __future__ import annotations

import json
import math
import random
import statistics
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from evo_nas.errors import DataError
from evo_nas.evaluation import Status
from evo_nas.execution.simulated import Simulation
from evo_nas.replay import RecordedTask, play
from evo_nas.replay.nas_bench_nlp import read_nas_bench_nlp
from evo_nas.strategies.aging import AgingEvolution, AgingOptions
from evo_nas.testing.histories import searched
from tests.replay.samples import ONCE, rungs

RECORDED = Path(__file__).parents[2] / "../shared/nas_bench_nlp/wikitext2_runs.parquet"
TANH = {
    "f": {"op": "linear", "input": ["x", "h_prev_0"]},
    "h_new_0": {"op": "activation_tanh", "input": ["f"]},
}
SAME = {
    "g": {"op": "linear", "input": ["h_prev_0", "x"]},
    "h_new_0": {"op": "activation_tanh", "input": ["g"]},
}
SIGMOID = TANH | {"h_new_0": {"op": "activation_sigm", "input": ["f"]}}


def row(
    recipe: dict[str, object], losses: list[float], *, number: int = 1, status: str = "OK"
) -> dict[str, object]:
    return {
        "recepie_id": number,
        "recipe": json.dumps(recipe),
        "val_loss_json": json.dumps(losses),
        "wall_times_json": json.dumps([2.0] * len(losses)),
        "n_params": 10,
        "status": status,
    }


@pytest.fixture
def small(tmp_path: Path) -> RecordedTask:
    rows = [
        row(TANH, [5.0, 4.0], number=1000000),
        row(SAME, [5.0, 4.5]),
        row(SIGMOID, [6.0, math.nan], status="loss is nan!"),
    ]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "runs.parquet")
    return read_nas_bench_nlp(tmp_path / "runs.parquet")


def test_recipes_with_the_same_equations_are_one_architecture(small: RecordedTask) -> None:
    assert [len(several) for several in small.recordings.values()] == [2, 1]
    assert [name for name, _ in small.space.seeds()] == ["rnn_tanh"]
    assert small.epochs == 2


def test_a_training_that_ended_in_nan_diverged_after_its_last_loss(small: RecordedTask) -> None:
    *_, [failed] = small.recordings.values()
    assert (failed.curve, failed.epoch_s, failed.failure) == ((6.0,), (2.0, 2.0), Status.DIVERGED)


def test_features_count_states_and_nodes(small: RecordedTask) -> None:
    tanh, sigmoid = (dict(zip(small.names, small.features[key], strict=True)) for key in small.recordings)
    assert (tanh["states"], tanh["linear"], tanh["tanh"], tanh["depth"]) == (1, 1, 1, 2)
    assert (sigmoid["tanh"], sigmoid["sigmoid"]) == (0, 1)


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other.parquet").write_text("nothing")
    with pytest.raises(DataError, match="cannot be read as trainings of NAS-Bench-NLP"):
        read_nas_bench_nlp(tmp_path / "other.parquet")


@pytest.fixture(scope="module")
def recorded() -> RecordedTask:
    if not RECORDED.exists():
        pytest.skip(f"{RECORDED} is not there")
    return read_nas_bench_nlp(RECORDED)


def test_the_recorded_cells_are_known_by_their_equations(recorded: RecordedTask) -> None:
    assert len(recorded.recordings) == 260
    assert {name for name, _ in recorded.space.seeds()} == {"lstm", "gru", "rnn_tanh"}
    finished = [several[0] for several in recorded.recordings.values() if several[0].failure is None]
    assert math.exp(-max(each.fitness(50) for each in finished)) == pytest.approx(96.31, abs=0.01)


@pytest.mark.parametrize("workers", [1, 8, 64])
def test_rungs_spare_most_of_the_training_and_keep_the_best(recorded: RecordedTask, workers: int) -> None:
    halving = rungs(2, 6, 18, reduction=3)
    trained, regrets = Counter[bool](), []
    for draw in range(5):
        order = random.Random(draw).sample(list(recorded.recordings), 81)
        best = []
        for fitness in (halving, ONCE):
            played = play(
                recorded.in_order(order, seed=1, fitness=fitness), recorded.replayer, Simulation(workers)
            )
            trained[fitness is halving] += played.train_s
            assert played.best is not None
            best.append(math.exp(-played.best.outcome.fitness))
        regrets.append(best[0] - best[1])
    assert trained[False] > 5 * trained[True]
    assert statistics.fmean(regrets) <= 0.5


def test_evolution_finds_good_cells_among_the_recorded(recorded: RecordedTask) -> None:
    options = AgingOptions(population=20, tournament=4, warmup=10)
    space = recorded.space.as_search_space()
    asked, _ = searched(AgingEvolution(space, options, seed=1, epochs=50, fitness=ONCE), 100)
    assert len({candidate.canonical_hash for candidate in asked}) == len(asked)
