"""Measures whether searches that begin with networks of an earlier run reach a quality with fewer evaluations.

    nice -n 15 python -m benchmarks.transfer --data ../shared/data

Run from the root of the repository; it takes some minutes of CPU time in one thread. For each pair of tasks one search
is made on the first, and then searches on the second: from the founders of the space alone, with the best
networks of the first search before them, and, where children inherit, with and without the weights of these. The
quality to reach is what the searches without the first task have found in the median when they end. Every finished
search is appended to ``--log``, so that an interrupted measurement goes on. It ends by writing
``benchmarks/results/transfer.md``.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from benchmarks.table import Table, load, write
from evo_nas.config import configured
from evo_nas.evaluation import Status
from evo_nas.experiment import Experiment
from evo_nas.runs import Run

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from evo_nas.evaluation import Evaluation

COMMAND = "nice -n 15 python -m benchmarks.transfer --data ../shared/data"
SPACE = {"widths": [16, 32], "batch_sizes": [32, 64], "layers": {"min": 1, "max": 1}, "cell_nodes": 8}
EVALUATIONS, EPOCHS = 20, 3


@dataclass(frozen=True)
class Arm:
    """How a search begins.

    Attributes:
        name: What the table calls it.
        is_warm: Whether it begins with networks of the earlier run.
        inheritance: What trainings of children start from.
        weights: Whether its founders begin with their weights.
    """

    name: str
    is_warm: bool
    inheritance: str = "none"
    weights: bool = False


ARMS = (
    Arm("cold", is_warm=False),
    Arm("architectures", is_warm=True),
    Arm("cold, children inherit", is_warm=False, inheritance="parent"),
    Arm("architectures and weights, children inherit", is_warm=True, inheritance="parent", weights=True),
)


def tasks(data: Path) -> dict[str, dict[str, Any]]:
    """Returns the sections ``task`` by name; forecasts have the same window, so that their weights fit each other."""
    window = {"kind": "forecast", "window": 24, "horizon": 2, "stride": 2}
    return {
        "digits": {"kind": "digits"},
        "pendigits": {
            "kind": "classification",
            "path": str(data / "pendigits/pendigits.arff"),
            "features": 2,
            "split": {"test": 8000, "test_by": "time", "validation": 0.2, "duplicates": "keep"},
        },
        "temperatures": window
        | {"path": str(data / "series/daily-min-temperatures.csv"), "targets": ["Temp"], "gaps": "keep"},
        "sunspots": window | {"path": str(data / "series/monthly-sunspots.csv"), "targets": ["Sunspots"]},
    }


PAIRS = (("digits", "pendigits"), ("temperatures", "sunspots"))


def settings(name: str, task: Mapping[str, Any], *, seed: int, **changes: Any) -> dict[str, Any]:
    return {
        "name": name,
        "seed": seed,
        "task": dict(task),
        "space": SPACE,
        "training": {"epochs": EPOCHS, "device": "cpu"},
        "fitness": {"rungs": None},
        "budget": {"evaluations": EVALUATIONS},
        **changes,
    }


def searched(place: Path, values: Mapping[str, Any]) -> list[Evaluation]:
    run = Run.at(place)
    with Experiment.of(configured(values)).open(run, executor="inline") as search:
        search.run()
    return list(run.history().told)


def best_so_far(told: Iterable[Evaluation], *, from_scratch: bool) -> list[float | None]:
    """Returns the best fitness of complete trainings after each evaluation, as one line of a log has it."""
    best, line = -math.inf, []
    for each in told:
        counts = each.status is Status.OK and not (from_scratch and each.outcome.inherited_steps)
        if counts and each.outcome.fitness is not None and each.outcome.fitness > best:
            best = each.outcome.fitness
        line.append(best if math.isfinite(best) else None)
    return line


def measured(data: Path, seeds: int, log: Path) -> list[dict[str, Any]]:
    """Makes the searches that ``log`` does not hold yet and returns all of them."""
    done = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    known = {(each["target"], each["arm"], each["seed"]) for each in done}
    sections = tasks(data)
    for source, target in PAIRS:
        with TemporaryDirectory() as folder:
            earlier = Path(folder) / source
            for seed in range(1, 1 + seeds):
                for arm in ARMS:
                    if (target, arm.name, seed) in known:
                        continue
                    if arm.is_warm and not earlier.exists():
                        # With weights, so that one earlier search serves both ways of beginning.
                        inherits = {"fitness": {"rungs": None, "inheritance": "parent"}}
                        searched(earlier, settings(source, sections[source], seed=0, **inherits))
                    warm = {"runs": [str(earlier)], "count": 5, "weights": arm.weights} if arm.is_warm else {}
                    begun = time.process_time()
                    told = searched(
                        Path(folder) / f"{arm.name} {seed}",
                        settings(
                            target,
                            sections[target],
                            seed=seed,
                            fitness={"rungs": None, "inheritance": arm.inheritance},
                            warm_start=warm,
                        ),
                    )
                    line = {
                        "source": source,
                        "target": target,
                        "arm": arm.name,
                        "seed": seed,
                        "any": best_so_far(told, from_scratch=False),
                        "scratch": best_so_far(told, from_scratch=True),
                        "cpu_s": round(time.process_time() - begun, 1),
                    }
                    done.append(line)
                    with log.open("a") as file:
                        file.write(json.dumps(line) + "\n")
                    print(f"{target}, {arm.name}, seed {seed}: {line['cpu_s']} s of CPU time", flush=True)
    return done


def needed(line: Sequence[float | None], quality: float) -> int:
    """Returns after how many evaluations a search reached ``quality``; one more than it made if it never did."""
    reached = (number for number, best in enumerate(line, start=1) if best is not None and best >= quality)
    return next(reached, len(line) + 1)


def in_words(counts: Sequence[int]) -> str:
    middle = statistics.median(counts)
    shown = [f"> {EVALUATIONS}" if count > EVALUATIONS else str(count) for count in counts]
    return f"{'> ' if middle > EVALUATIONS else ''}{min(middle, EVALUATIONS):g} ({', '.join(shown)})"


def rows(done: Sequence[Mapping[str, Any]]) -> Iterable[tuple[str, ...]]:
    for source, target in PAIRS:
        of_pair = [each for each in done if each["target"] == target]
        cold = [each["scratch"][-1] for each in of_pair if each["arm"] == ARMS[0].name]
        if not cold:
            continue
        quality = statistics.median(cold)
        for arm in ARMS:
            mine = sorted(
                (each for each in of_pair if each["arm"] == arm.name), key=lambda each: each["seed"]
            )
            if mine:
                yield (
                    f"{source} to {target}",
                    arm.name,
                    f"{quality:.4g}",
                    in_words([needed(each["any"], quality) for each in mine]),
                    in_words([needed(each["scratch"], quality) for each in mine]),
                    f"{statistics.median(each['any'][4] or -math.inf for each in mine):.4g}",
                    f"{statistics.median(each['scratch'][-1] for each in mine):.4g}",
                )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--log", type=Path, default=Path("transfer.jsonl"))
    parser.add_argument("--only-table", action="store_true")
    options = parser.parse_args()
    seeds = 0 if options.only_table else options.seeds
    done = measured(options.data, seeds, options.log)
    table = Table(
        "Evaluations until a search has what cold searches end with",
        COMMAND,
        (
            "pair",
            "begins",
            "quality",
            "until any training has it",
            "until one from scratch has it",
            "best after 5",
            "best from scratch at the end",
        ),
        list(rows(done)),
        (
            f"Medians over {options.seeds} seeds, in brackets each seed; {EVALUATIONS} evaluations of {EPOCHS} epochs. "
            "The quality is what cold searches without inheritance end with in the median: accuracy, or the negated "
            "error.",
            "What inherited has more training behind it than its epochs say, so that only the column from scratch "
            "compares architectures.",
            f"Load average at the end: {load()}.",
        ),
    )
    print(table)
    write("transfer", "Beginning with networks of an earlier run", [table])


if __name__ == "__main__":
    main()
