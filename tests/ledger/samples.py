"""Evaluations and stores that the ledger's tests are made of."""

from __future__ import annotations

import random
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from evo_nas.evaluation import Candidate, Evaluation, Outcome, Status
from evo_nas.ledger import Ledger, LocalStore, RunRecord, Store
from tests.checker import reader

READS = (lambda place: reader(place).history(), lambda place: reader(place).table())
"""Ways to read a whole run."""
RECORD = RunRecord.new("sample", seed=7, config={"strategy": {"kind": "aging", "population": 20}})


def candidate(key: int) -> Candidate:
    rng = random.Random(key)
    return Candidate(
        id=key,
        genome=tuple(rng.randrange(50) for _ in range(12)),
        canonical_hash=f"{rng.getrandbits(64):016x}",
        parents=(key - 2, key - 1) if key > 1 else (),
        operator=rng.choice(["random", "mutation", "crossover"]),
        seed=rng.getrandbits(63),
        budget=9,
        asked_after=max(0, key - 4),
    )


def evaluation(key: int) -> Evaluation:
    rng = random.Random(-key - 1)
    status = rng.choice([status for status in Status if status is not Status.TRAINED])
    outcome = Outcome(
        status=status,
        fitness=rng.random() if status.scored else None,
        metrics={"validation_accuracy": rng.random(), "perplexity": rng.uniform(1, 100)},
        metric="validation_accuracy" if status.scored else "",
        curve=tuple(rng.random() for _ in range(rng.randrange(4))),
        parameters=rng.randrange(10**6),
        epochs=rng.randrange(10),
        train_s=rng.random(),
        backends=("native", "torch"),
        error="" if status.scored else "RuntimeError: loss is nan",
    )
    return Evaluation(
        candidate(key),
        outcome,
        attempt=rng.randrange(1, 4),
        worker=f"worker-{key % 3}",
        node="node-a",
        queue_s=rng.random(),
        finished_at=1_790_000_000 + key / 4,
    )


def evaluations(*keys: int) -> list[Evaluation]:
    return [evaluation(key) for key in keys]


def candidates(*keys: int) -> list[Candidate]:
    return [candidate(key) for key in keys]


def start(where: Path | Store, *commits: tuple[int, ...]) -> None:
    """Makes a run that has these commits, each with the next candidate in flight."""
    with Ledger.create(where, RECORD) as ledger:
        for keys in commits:
            ledger.append(evaluations(*keys), born=candidates(max(keys) + 1))


def told_ids(ledger: Ledger) -> list[int]:
    return [evaluation.candidate.id for evaluation in ledger.history().told]


def segment_names(run: Path) -> list[str]:
    return sorted(path.name for path in (run / "segments").iterdir())


class OtherHostStore(LocalStore):
    """The same directory seen from another machine, where this one's locks do not show."""

    def lock(self) -> None:
        pass


class MemoryStore(Store):
    """A bucket of an object store: no lock, no leftovers."""

    location = "memory"

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}

    @classmethod
    def holding(cls, files: Mapping[str, bytes]) -> Self:
        """Returns a bucket that has these files to begin with."""
        store = cls()
        store.files = dict(files)
        return store

    def create(self, name: str, content: bytes) -> bool:
        if name in self.files:
            return False
        self.files[name] = content
        return True

    def read(self, name: str) -> bytes:
        try:
            return self.files[name]
        except KeyError:
            raise FileNotFoundError(name) from None

    def list(self, folder: str) -> list[str]:
        prefix = f"{folder}/" if folder else ""
        return sorted({name[len(prefix) :].split("/")[0] for name in self.files if name.startswith(prefix)})

    def delete(self, name: str) -> None:
        self.files.pop(name, None)

    def set_aside(self, name: str) -> str:
        aside = f"quarantine/{name}"
        self.files[aside] = self.files.pop(name)
        return aside

    def lock(self) -> None:
        pass

    def discard_leftovers(self) -> None:
        pass

    def close(self) -> None:
        pass

    def remedy(self, error: OSError) -> str:
        return "buy more memory"
