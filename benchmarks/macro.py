"""Compares how networks are put together: columns and decoders of forecasts, depth and norms, further dropouts.

    python -m benchmarks.macro [--groups NAME...] [--seeds 3]     makes the trainings that are missing
    python -m benchmarks.macro --report                           the page alone

Run from the root of the repository. Data lie where the configurations say, or where EVO_NAS_DATA says, and trainings
are kept as those of `benchmarks.ablation` are. One process, one thread. It ends by writing
``benchmarks/results/macro.md``.
"""

from __future__ import annotations

import argparse
import math
import statistics
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch

from benchmarks.ablation_blocks import ABLATIONS, all_of, front, head, layers, network, shortcut, whole
from benchmarks.data_sets import DATA_SETS, DataSet
from benchmarks.paired import Difference
from benchmarks.table import Table, write
from benchmarks.trainings import FOLDER, Kept, Trainings
from evo_nas.cli.formatting import figure
from evo_nas.genome.architecture import Architecture, Forecast, Norm
from evo_nas.genome.blocks import Columns

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks.ablation_blocks import Change
    from benchmarks.trainings import Result

SEEDS = 3
MOST_SEEDS = 20
HEADER = ("network", "test", "better than the first by, 95 % interval", "validation", "parameters", "CPU s")
REMARKS = (
    "Test metric, mean ± standard deviation over the seeds, and the mean of the paired differences to the first row in "
    "the direction in which the metric is better, with its 95 % interval by Student's t. Nothing is tuned.",
)
APART, SEGMENTS, DECODER, SHARED = (
    whole(columns=Columns.APART),
    front("segments 24"),
    head(segment=24),
    shortcut("shared"),
)
PLAIN, BEFORE = layers(norm=Norm.NONE), layers(norm=Norm.BEFORE)
SEGRNN = all_of(APART, SEGMENTS, DECODER, PLAIN)


@dataclass(frozen=True)
class Group:
    """Networks that are compared on a data set.

    Attributes:
        data: The data set.
        title: What is compared.
        arms: The networks by name; the others are compared with the first.
    """

    data: DataSet
    title: str
    arms: Mapping[str, Architecture]


def _forecast(*changes: Change, width: int = 64, rate: float = 2e-3, batch: int = 64) -> Architecture:
    return all_of(*changes)(network("gru", width, rate=rate, batch=batch, forecast=Forecast.RELATIVE))


def _stacks(
    base: Architecture, *, depths: Sequence[int], norms: Sequence[Norm] = tuple(Norm)
) -> dict[str, Architecture]:
    """Returns layers in each number with each norm, with residuals and without where there are several."""
    words = {Norm.LAYER: "norm after", Norm.BEFORE: "norm before", Norm.NONE: "no norm"}
    return {
        f"{depth}, {words[norm]}{', residual' if residual else ''}": replace(
            base, layers=tuple(replace(each, norm=norm, residual=residual) for each in base.layers * depth)
        )
        for depth in depths
        for norm in norms
        for residual in ((False, True) if depth > 1 else (False,))
    }


def _dropouts(
    base: Architecture, *, recurrent: Sequence[float], embedding: Sequence[float] = ()
) -> dict[str, Architecture]:
    return {
        "none": base,
        **{f"recurrent {rate}": layers(recurrent_dropout=rate)(base) for rate in recurrent},
        **{f"embedding {rate}": whole(embedding_dropout=rate)(base) for rate in embedding},
    }


_SEVEN = DATA_SETS["etth1_seven"]
_DIGITS = replace(DATA_SETS["digits"], changes=("training.epochs=12", "training.schedule=cosine"))
_CHORALES = replace(DATA_SETS["jsb"], changes=("training.epochs=16",))
_EVERY_WINDOW = replace(_SEVEN, changes=(*_SEVEN.changes, "training.epochs=10", "task.stride=1"))
GROUPS = {
    "columns": Group(
        _SEVEN,
        "Seven columns of ETTh1, 96 steps ahead, 6 epochs of every 4th window",
        {
            "together": _forecast(),
            "together, decoder": _forecast(DECODER),
            "together, segments": _forecast(SEGMENTS),
            "together, segments, decoder": _forecast(SEGMENTS, DECODER),
            "apart, segments": _forecast(APART, SEGMENTS),
            "apart, segments, decoder": _forecast(APART, SEGMENTS, DECODER),
            "together, segments, no norm": _forecast(SEGMENTS, PLAIN),
            "together, segments, norm before": _forecast(SEGMENTS, BEFORE),
            "apart, segments, decoder, no norm": _forecast(SEGRNN),
            "apart, segments, decoder, norm before": _forecast(SEGRNN, BEFORE),
            "shared shortcut, together, segments": _forecast(SEGMENTS, SHARED),
            "shared shortcut, together, segments, decoder": _forecast(SEGMENTS, DECODER, SHARED),
            "shared shortcut, apart, segments": _forecast(APART, SEGMENTS, SHARED),
            "shared shortcut, apart, segments, decoder": _forecast(APART, SEGMENTS, DECODER, SHARED),
        },
    ),
    "every_window": Group(
        _EVERY_WINDOW,
        "The same with every window, 10 epochs",
        {
            "together, segments": _forecast(SEGMENTS),
            "together, segments, shared shortcut": _forecast(SEGMENTS, SHARED),
            "SegRNN": _forecast(SEGRNN),
            "SegRNN, one map instead of a decoder": _forecast(APART, SEGMENTS, PLAIN),
            "SegRNN, shared shortcut": _forecast(SEGRNN, SHARED),
        },
    ),
    "depth_digits": Group(
        _DIGITS, "Layers on digits, 12 epochs", _stacks(ABLATIONS["digits"].network, depths=(1, 2, 3))
    ),
    "depth_jsb": Group(
        _CHORALES,
        "Layers on chorales, 16 epochs",
        _stacks(ABLATIONS["jsb"].network, depths=(1, 2), norms=(Norm.LAYER, Norm.BEFORE)),
    ),
    "dropouts": Group(
        DATA_SETS["trec"],
        "Dropped weights and tokens on questions",
        _dropouts(ABLATIONS["trec"].network, recurrent=(0.1, 0.2, 0.5), embedding=(0.05, 0.1, 0.2)),
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(description="Compares how networks are put together.")
    parser.add_argument("--groups", nargs="*", choices=GROUPS, default=list(GROUPS))
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--report", action="store_true", help="write the page from what is kept")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    for name in () if chosen.report else chosen.groups:
        trainings = _trainings(name)
        for seed in range(chosen.seeds):
            for architecture in GROUPS[name].arms.values():
                trainings.result(architecture, seed)
    tables = [_table(name) for name in GROUPS]
    write("macro", "Columns, decoders, depth and dropout", [table for table in tables if table.rows])


def _trainings(name: str) -> Trainings:
    return Trainings(GROUPS[name].data, kept=Kept(FOLDER / "macro" / f"{name}.jsonl"))


def _table(name: str) -> Table:
    trainings, arms = _trainings(name), GROUPS[name].arms
    kept = {arm: _scored(trainings, architecture) for arm, architecture in arms.items()}
    first = next(iter(kept.values()))
    rows = [_row(arm, results, first) for arm, results in kept.items() if results]
    seeds = sorted({len(results) for results in kept.values() if results})
    return Table(
        GROUPS[name].title,
        f"python -m benchmarks.macro --groups {name}",
        HEADER,
        rows,
        (*REMARKS, f"Seeds: {' or '.join(map(str, seeds))}."),
    )


def _scored(trainings: Trainings, architecture: Architecture) -> dict[int, Result]:
    """Returns the results of a network that are kept, by seed."""
    results = {seed: trainings.kept(architecture, seed) for seed in range(MOST_SEEDS)}
    return {seed: result for seed, result in results.items() if result and math.isfinite(result.test)}


def _row(arm: str, results: Mapping[int, Result], first: Mapping[int, Result]) -> list[str]:
    tests = [result.test for result in results.values()]
    spread = f" ± {figure(statistics.stdev(tests))}" if len(tests) > 1 else ""
    both = [] if results is first else sorted(set(results) & set(first))
    gain = (
        Difference.of([results[seed].fitness for seed in both], [first[seed].fitness for seed in both])
        if both
        else ""
    )
    return [
        arm,
        f"{figure(statistics.fmean(tests))}{spread}",
        str(gain),
        figure(statistics.fmean(result.validation for result in results.values())),
        f"{next(iter(results.values())).parameters:,}",
        f"{statistics.fmean(result.cpu_s for result in results.values()):.1f}",
    ]


if __name__ == "__main__":
    main()
