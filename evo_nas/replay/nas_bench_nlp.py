"""Reads the recorded trainings of NAS-Bench-NLP cells.

Klyuchnikov et al., "NAS-Bench-NLP: Neural Architecture Search Benchmark for Natural Language Processing", IEEE Access
2022: random recurrent cells, trained as language models for 50 epochs each.
"""

from __future__ import annotations

import hashlib
import json
import math
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq

from evo_nas.errors import DataError
from evo_nas.evaluation import Status
from evo_nas.genome.canonical import canonical
from evo_nas.genome.codec import cell_to_json
from evo_nas.genome.ops import Op
from evo_nas.genome.published import read_recipe
from evo_nas.replay.recorded_task import RecordedTask
from evo_nas.replay.recording import Recording

if TYPE_CHECKING:
    import os

    from evo_nas.genome.cell import CellGraph

METRIC = "validation_cross_entropy"
"""Nats a word; perplexity is its exponential."""
BASELINES = {"1000000": "rnn_tanh", "1000001": "lstm", "1000002": "gru"}
"""Published cells among the recipes, by their ids."""
_OPS = (Op.LINEAR, Op.BLEND, Op.MUL, Op.ADD, Op.TANH, Op.SIGMOID, Op.LEAKY_RELU)
FEATURES = ("states", *map(str, _OPS), "depth", "reads")
"""States, nodes of each kind, nodes on the longest path, and inputs of all nodes."""
_COLUMNS = ["recepie_id", "recipe", "val_loss_json", "wall_times_json", "n_params", "status"]


def read_nas_bench_nlp(path: str | os.PathLike[str]) -> RecordedTask:
    """Returns the trainings in a Parquet file with a row for each, as a task.

    Recipes with the same equations are one architecture, whose trainings are in the order of the file. The published
    cells are the founders.

    Raises:
        DataError: The file is missing, or is not of this kind.
    """
    try:
        rows = pq.read_table(path, columns=_COLUMNS).to_pylist()
    except (OSError, ValueError, KeyError) as error:
        raise DataError(f"{path} cannot be read as trainings of NAS-Bench-NLP: {error}") from error
    recordings: dict[str, list[Recording]] = {}
    features: dict[str, tuple[int, ...]] = {}
    founders: dict[str, str] = {}
    for row in rows:
        cell = canonical(read_recipe(row["recipe"]))
        key = hashlib.sha256(cell_to_json(cell).encode()).hexdigest()[:32]
        recordings.setdefault(key, []).append(_recording(row))
        features[key] = _features(cell)
        if str(row["recepie_id"]) in BASELINES:
            founders.setdefault(BASELINES[str(row["recepie_id"])], key)
    return RecordedTask(recordings, features, FEATURES, founders)


def _recording(row: dict[str, Any]) -> Recording:
    losses, seconds = json.loads(row["val_loss_json"]), json.loads(row["wall_times_json"])
    curve = tuple(loss for loss in losses if math.isfinite(loss))
    has_failed = row["status"] != "OK"
    return Recording(
        curve,
        tuple(seconds[: len(curve) + has_failed]),
        METRIC,
        higher_is_better=False,
        failure=Status.DIVERGED if has_failed else None,
        error=row["status"] if has_failed else "",
        parameters=row["n_params"],
    )


def _features(cell: CellGraph) -> tuple[int, ...]:
    counts = [sum(node.op is op for node in cell.nodes) for op in _OPS]
    depths = [0] * cell.first_node
    for node in cell.nodes:
        depths.append(1 + max((depths[source] for source in node.inputs), default=0))
    return (cell.states, *counts, max(depths), sum(len(node.inputs) for node in cell.nodes))
