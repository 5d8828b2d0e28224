"""What the service's reading costs: the list of 1,000 runs, and the page of a run of 100,000 evaluations.

    python -m benchmarks.service_reading [--evaluations 100000] [--runs 1000] [--write]

Run from the root of the repository; needs the extra ``serve``. Writes runs of generated evaluations of real networks,
then asks the service in a process of its own, as a browser would. With ``--write`` the tables also go to
``benchmarks/results/service_reading.md``.
"""

from __future__ import annotations

import random
from functools import cache
from pathlib import Path

from evo_nas.config import load_config
from evo_nas.evaluation import Candidate, Evaluation, Outcome, Status
from evo_nas.genome.architecture import Signature
from evo_nas.genome.options import SpaceOptions
from evo_nas.genome.space import SearchSpace
from evo_nas.ledger import Ledger, RunRecord

EPOCHS, RUNGS, WORKERS, IN_FLIGHT = 18, (2, 6), 8, 16
NETWORKS = 200
FINISHED = 1_790_000_000.0
CONFIG = load_config(Path("configs/quickstart.yaml"))


@cache
def networks() -> list[tuple[tuple[int, ...], str]]:
    """Returns genomes with the JSON of their architectures."""
    space = SearchSpace(SpaceOptions(), Signature(features=8, outputs=10), EPOCHS)
    rng = random.Random(1)
    genomes = [space.random(rng) for _ in range(NETWORKS)]
    return [(genome, space.to_json(genome)) for genome in genomes]


def evaluation(key: int, *, prunes: bool) -> Evaluation:
    """Returns evaluation ``key`` of a run in which scores slowly rise; with ``prunes`` a third goes on from a rung."""
    rng = random.Random(key)
    status = rng.choices([Status.OK, Status.DIVERGED, Status.TIMED_OUT, Status.TOO_BIG], [94, 4, 1, 1])[0]
    continues, epochs = None, EPOCHS
    if prunes and status is Status.OK and key > 10:
        if key % 3 and rng.random() < 0.5:
            status, epochs = Status.PRUNED, RUNGS[0]
        elif key % 9 == 0:
            continues = key - 4
    fitness = 1 - 1 / (2 + key**0.4) - 0.2 * rng.random() if status.scored else None
    candidate = Candidate(
        id=key,
        genome=networks()[key % NETWORKS][0],
        canonical_hash=f"{rng.getrandbits(128):032x}",
        parents=(rng.randrange(max(0, key - 200), key),) if key > 20 else (),
        operator=rng.choice(["mutation", "mutation", "mutation", "crossover+mutation"])
        if key > 20
        else "random",
        seed=rng.getrandbits(63),
        budget=EPOCHS,
        asked_after=max(0, key - IN_FLIGHT),
        rungs=RUNGS if prunes else (),
        thresholds=(0.4, 0.5) if prunes else (),
        continues=continues,
    )
    train_s = rng.uniform(2, 9)
    outcome = Outcome(
        status=status,
        fitness=fitness,
        metrics={"validation_accuracy": fitness, "validation_loss": rng.random(), "train_loss": rng.random()}
        if fitness is not None
        else {},
        metric="validation_accuracy" if fitness is not None else "",
        curve=tuple(rng.random() for _ in range(epochs)),
        parameters=rng.randrange(10**5),
        epochs=epochs if status.scored else 3,
        train_s=train_s,
        cpu_s=train_s,
        steps=100 * epochs,
        error="" if status.scored else f"{status}: after 3 epochs",
    )
    return Evaluation(
        candidate, outcome, worker=f"worker-{key % WORKERS}", node="node-0", finished_at=FINISHED + key * 0.7
    )


def write_run(place: Path, evaluations: int, *, prunes: bool = False, rows: int = 256) -> None:
    """Writes a run of so many evaluations, ``rows`` in a commit."""
    record = RunRecord.new(place.name, seed=0, config=CONFIG.model_dump(mode="json"))
    described = dict(networks())
    with Ledger.create(place, record, describe=described.__getitem__) as ledger:
        for first in range(0, evaluations, rows):
            keys = range(first, min(first + rows, evaluations))
            ledger.append([evaluation(key, prunes=prunes) for key in keys], born=[])
