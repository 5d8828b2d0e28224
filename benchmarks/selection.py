"""Selection with and without awareness of noise: how good is what a search chooses, with seeds that chose nothing?

    python -m benchmarks.selection model      searches on a model of the digits' noise, some 3 minutes
    python -m benchmarks.selection digits     real searches on the digits, some 12 minutes
    python -m benchmarks.selection            both
    python -m benchmarks.selection report     the page alone, of the searches that are kept

Run from the root of the repository. Every search of one comparison makes the same number of trainings, so what is
repeated is not explored. What was made is kept in the folder that EVO_NAS_BENCHMARKS names,
``~/.cache/evo-nas-benchmarks`` by default, so that a second call goes on. One process, one thread. It ends by writing
``benchmarks/results/selection.md``.
"""

from __future__ import annotations

import statistics
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from benchmarks.data_sets import DataSet
from benchmarks.paired import Difference
from benchmarks.table import Table, write
from benchmarks.trainings import FOLDER, Kept, Trainings
from evo_nas.archive import Archive
from evo_nas.champion.selection import select_champion
from evo_nas.cli.formatting import figure
from evo_nas.config import FitnessOptions
from evo_nas.evaluation import Evaluation, Outcome, Status
from evo_nas.genome.architecture import Signature
from evo_nas.genome.codec import from_json, to_json
from evo_nas.genome.options import SpaceOptions
from evo_nas.genome.space import SearchSpace
from evo_nas.randomness import stream
from evo_nas.runs import Run
from evo_nas.strategies.aging import AgingEvolution, AgingOptions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evo_nas.evaluation import Candidate

UNAWARE = "unaware"
ARMS = {
    UNAWARE: FitnessOptions(rungs=None),
    "noise measured (repeats .05)": FitnessOptions(repeats=0.05),
    "confirmed": FitnessOptions(confirm=True),
    "confirmed, noise measured": FitnessOptions(confirm=True, repeats=0.05),
    "mean of 2 trainings each": FitnessOptions(seeds_per_candidate=2),
}
"""Ways to score, the reference first."""


@dataclass(frozen=True)
class Noisy:
    """A model of trainings: the true score follows from the genes, and each training has luck of its own.

    The defaults are what was measured on digits: .005 to .008 between seeds, a true spread of .003 among the best, and
    one in six of the best failing with most seeds.

    Attributes:
        std: Standard deviation between seeds.
        step: Standard deviation of what one choice of one gene does to the true score.
        unstable: Share of the architectures that fail with some seeds.
        failing: Share of the trainings of an unstable one that fail.
    """

    std: float = 0.006
    step: float = 0.003
    unstable: float = 0.15
    failing: float = 0.6

    def truth(self, space: SearchSpace, candidate: Candidate) -> float:
        """Returns the mean score of the architecture over all seeds."""
        good = self._level(space, candidate)
        return good - self.failing * 0.4 if self.is_unstable(candidate) else good

    def trained(self, space: SearchSpace, candidate: Candidate, run: int) -> Evaluation:
        """Trains ``candidate`` with its seed."""
        luck = stream(run, "luck", candidate.seed)
        score = self._level(space, candidate) + luck.gauss(0.0, self.std)
        if self.is_unstable(candidate) and luck.random() < self.failing:
            score -= luck.uniform(0.1, 0.7)
        outcome = Outcome(Status.OK, fitness=score, parameters=10_000, steps=100, epochs=1)
        return Evaluation(candidate, outcome)

    def _level(self, space: SearchSpace, candidate: Candidate) -> float:
        active = space.active_genes(candidate.genome)
        effects = (
            stream(1, "effect", place, candidate.genome[place]).gauss(0.0, self.step) for place in active
        )
        return 0.95 + sum(effects)

    def is_unstable(self, candidate: Candidate) -> bool:
        """Whether the architecture fails with some seeds."""
        return stream(1, "unstable", candidate.canonical_hash).random() < self.unstable


MODELS = {
    "digits' noise": Noisy(),
    "digits' noise, without unstable networks": Noisy(unstable=0.0),
}
MODEL_SPACE = SearchSpace(SpaceOptions(evolve_cell=False), Signature(features=3, outputs=2), epochs=30)
MODEL_TRAININGS = 120
MODEL_SEARCHES = range(60)

DIGITS = DataSet(
    "quickstart",
    (
        *(
            "training.epochs=6",
            "training.schedule=constant",
            "space.widths=[16, 32]",
            "space.batch_sizes=[64]",
        ),
        # A small validation part chooses, and a large test part judges.
        *("task.validation=0.1", "task.test=0.6"),
    ),
)
DIGITS_TRAININGS = 30
DIGITS_SEARCHES = tuple(range(1, 11))
JUDGES = (1001, 1002, 1003)
"""Seeds of the trainings that are judged; no search draws them."""
REAL_ARMS = {
    UNAWARE: (),
    "confirmed, noise measured": ("fitness.confirm=true", "fitness.repeats=0.05"),
}


def model_search(model: Noisy, fitness: FitnessOptions, seed: int) -> dict[str, float]:
    """Searches once and returns the true score of the chosen one and what the search believed it to be."""
    options = AgingOptions(population=30, tournament=5, warmup=20)
    strategy = AgingEvolution(MODEL_SPACE, options, seed=seed, epochs=30, fitness=fitness)
    archive = Archive()
    for _ in range(MODEL_TRAININGS):
        (candidate,) = strategy.ask(1)
        evaluation = model.trained(MODEL_SPACE, candidate, seed)
        strategy.tell([evaluation])
        archive.update([evaluation])
    best = archive.best
    assert best is not None, "a model always gives a score"
    assert best.fitness is not None
    return {"true": model.truth(MODEL_SPACE, best.candidate), "believed": best.fitness}


def model_tables(*, only_kept: bool = False) -> list[Table]:
    """Returns one table for each model, of every arm beside the reference; skips what is missing if told so."""
    tables, kept = [], Kept(FOLDER / "selection" / "model.jsonl")
    for name, model in MODELS.items():
        seeds = [
            seed
            for seed in MODEL_SEARCHES
            if not only_kept or all(kept.get(_model_key(name, arm, seed)) is not None for arm in ARMS)
        ]
        if not seeds:
            continue
        # All arms with one seed after the other, so that an interrupted benchmark has whole pairs.
        searches = [{arm: _model_result(kept, name, arm, seed) for arm in ARMS} for seed in seeds]
        found = {arm: [each[arm] for each in searches] for arm in ARMS}
        tables.append(
            Table(
                f"A model with {name}",
                "python -m benchmarks.selection model",
                ("score", "true", "believed", "gain over unaware, 95 %", "", "worst search"),
                [_row(arm, found[UNAWARE], results) for arm, results in found.items()],
                (
                    f"Aging evolution, {MODEL_TRAININGS} trainings in each of {len(seeds)} searches; {model}.",
                    "`true` is the mean over all seeds of what the search chose, failures included; `believed` what "
                    "the search took it for.",
                ),
            )
        )
    return tables


def _model_key(name: str, arm: str, seed: int) -> str:
    return f"{MODELS[name]}, {ARMS[arm]}, {MODEL_TRAININGS} trainings, seed {seed}"


def _model_result(kept: Kept, name: str, arm: str, seed: int) -> dict[str, float]:
    key = _model_key(name, arm, seed)
    if kept.get(key) is None:
        kept.add(key, model_search(MODELS[name], ARMS[arm], seed))
    return {what: float(str(value)) for what, value in (kept.get(key) or {}).items()}


def _row(
    arm: str, reference: Sequence[dict[str, float]], results: Sequence[dict[str, float]]
) -> tuple[str, ...]:
    true, other = [each["true"] for each in results], [each["true"] for each in reference]
    gain = Difference.of(true, other)
    believed = statistics.fmean(each["believed"] for each in results)
    said = "" if results is reference else str(gain)
    return arm, figure(statistics.fmean(true)), figure(believed), said, _verdict(gain), figure(min(true))


def _verdict(gain: Difference) -> str:
    return "**better**" if gain.is_gain else "**worse**" if gain.is_loss else ""


class Digits:
    """Real searches; makes what is missing."""

    def __init__(self) -> None:
        folder = FOLDER / "selection"
        self._kept = Kept(folder / "digits.jsonl")
        self._trainings = Trainings(DIGITS, kept=self._kept)
        self._folder = folder

    def search(self, arm: str, seed: int) -> dict[str, float]:
        """Returns test metric of the chosen one with seeds that no search saw, and what the search believed."""
        found = self._found(arm, seed)
        architecture = from_json(str(found["architecture"]))
        judged = [self._trainings.result(architecture, judge) for judge in JUDGES]
        tests = [each.test for each in judged if each is not None]
        return {
            "true": statistics.fmean(tests),
            "believed": float(str(found["believed"])),
            "worst": min(tests),
        }

    def has(self, seed: int) -> bool:
        """Whether the searches with ``seed`` are kept in every arm."""
        return all(self._kept.get(_key(arm, seed)) is not None for arm in REAL_ARMS)

    def _found(self, arm: str, seed: int) -> dict[str, object]:
        key = _key(arm, seed)
        kept = self._kept.get(key)
        if kept is not None:
            return kept
        experiment = DIGITS.experiment(*_changes(arm, seed))
        place, started = self._folder / f"{arm.replace(' ', '-')}-{seed}", time.process_time()
        run = Run.at(place)
        with experiment.open(run, executor="inline") as search:
            search.run()
        best = select_champion(run.history().told, run)
        found: dict[str, object] = {
            "architecture": to_json(experiment.space.decode(best.candidate.genome)),
            "believed": best.fitness,
            "trainings": best.trainings,
            "noise": str(run.noise()),
            "cpu_s": time.process_time() - started,
        }
        self._kept.add(key, found)
        seconds = float(str(found["cpu_s"]))
        print(f"{arm}, seed {seed}: {found['believed']}, {found['noise']}, {seconds:.0f} CPU s", flush=True)
        return found


def _changes(arm: str, seed: int) -> tuple[str, ...]:
    return (f"budget.evaluations={DIGITS_TRAININGS}", f"seed={seed}", *REAL_ARMS[arm])


def _key(arm: str, seed: int) -> str:
    return f"search {_changes(arm, seed)}"


def digits_table(*, only_kept: bool = False) -> Table:
    """Returns the table of the real searches; makes those that are missing unless told otherwise."""
    digits = Digits()
    seeds = [seed for seed in DIGITS_SEARCHES if not only_kept or digits.has(seed)]
    # In turns, so that an interrupted benchmark has whole pairs.
    pairs = [{arm: digits.search(arm, seed) for arm in REAL_ARMS} for seed in seeds]
    reference = [pair[UNAWARE] for pair in pairs]
    rows = []
    for arm in REAL_ARMS:
        results = [pair[arm] for pair in pairs]
        worst = min(each["worst"] for each in results)
        rows.append((*_row(arm, reference, results), figure(worst)))
    return Table(
        "Digits",
        "python -m benchmarks.selection digits",
        (
            *("score", "test", "believed (validation)", "gain over unaware, 95 %", "", "worst search"),
            "worst training",
        ),
        rows,
        (
            f"quickstart with {', '.join(DIGITS.changes)}: {DIGITS_TRAININGS} trainings in each of "
            f"{len(seeds)} searches, whose champion is trained again with {len(JUDGES)} seeds that no search "
            "saw; `test` is their mean accuracy.",
            "Pairs are searches with the same seed; the interval is Student's t over them.",
        ),
    )


def main() -> None:
    """Makes the tables that were asked for, and writes the page."""
    torch.set_num_threads(1)
    wanted = sys.argv[1:] or ["model", "digits"]
    only_kept = wanted == ["report"]
    tables = [digits_table(only_kept=only_kept)] if only_kept or "digits" in wanted else []
    if only_kept or "model" in wanted:
        tables += model_tables(only_kept=only_kept)
    print(*tables, sep="\n")
    if only_kept or {"model", "digits"} <= set(wanted):
        write("selection", "Selection with and without awareness of noise", tables)


if __name__ == "__main__":
    main()
