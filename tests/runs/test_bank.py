"""A bank on disk: what was written last is there again, whatever happens in between."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from evo_nas.ledger import open_store
from evo_nas.runs import Run
from evo_nas.runs.bank import SNAPSHOT_S, StoredBank, bank_damage
from evo_nas.weights import MemoryBank, digest_of


class Clock:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def bank(tmp_path: Path, clock: Clock) -> StoredBank:
    return StoredBank(open_store(tmp_path / "run"), clock=clock)


def array(value: float, size: int = 3) -> np.ndarray:
    return np.full((size,), value, dtype=np.float32)


def files(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "run" / "bank").iterdir()) if (tmp_path / "run" / "bank").exists() else []


def again(tmp_path: Path) -> StoredBank:
    return StoredBank(open_store(tmp_path / "run"))


def test_the_later_training_counts(bank) -> None:
    bank.give({"a": array(1), "b": array(2)}, steps=10)
    bank.give({"b": array(3)}, steps=4)
    found = bank.take(["a", "b", "c"])
    assert {key: (component.values[0], component.steps) for key, component in found.items()} == {
        "a": (1.0, 10),
        "b": (3.0, 4),
    }


def test_a_bank_that_was_closed_comes_back_whole(bank, tmp_path) -> None:
    keys = ["layer0/forward/weight of linear[state 1 x] for mul.0 #2 4x7", "ü\n"]
    bank.give({key: array(number) for number, key in enumerate(keys)}, steps=9)
    assert files(tmp_path) == []
    bank.close()
    for other in (again(tmp_path), pickle.loads(pickle.dumps(bank))):
        found = other.take(keys)
        assert [(found[key].values.tolist(), found[key].steps) for key in keys] == [
            ([0.0] * 3, 9),
            ([1.0] * 3, 9),
        ]


def test_a_bank_in_use_is_written_now_and_then_and_one_file_is_left(bank, clock, tmp_path) -> None:
    bank.give({"a": array(1)}, steps=1)
    assert files(tmp_path) == []
    for value in (2, 3):
        clock.now_s += SNAPSHOT_S
        bank.give({"a": array(value)}, steps=1)
        assert again(tmp_path).take(["a"])["a"].values[0] == value
    assert len(files(tmp_path)) == 1
    bank.close()
    assert len(files(tmp_path)) == 1


def test_a_damaged_file_is_told_and_left_out(bank, clock, tmp_path, caplog) -> None:
    bank.give({"a": array(1)}, steps=1)
    bank.close()
    (file,) = files(tmp_path)
    file.write_bytes(file.read_bytes()[:-1])
    assert again(tmp_path).take(["a"]) == {}
    assert "is damaged" in caplog.text
    (line,) = bank_damage(open_store(tmp_path / "run"))
    assert line.startswith(f"bank/{file.name} is damaged; remove it")
    assert list(Run.at(tmp_path / "run").weights.damage()) == []


def test_a_file_that_is_no_bank_is_left_out(tmp_path) -> None:
    store = open_store(tmp_path / "run")

    for number, content in enumerate((b"", b"nonsense", (2**60).to_bytes(8, "little"))):
        store.create(f"bank/{number:08d}-{digest_of(content)}.safetensors", content)
    assert again(tmp_path).all() == {}


def test_what_was_not_used_for_longest_goes_first() -> None:
    bank = MemoryBank(most_bytes=3 * array(0).nbytes)
    for number, key in enumerate("abc"):
        bank.give({key: array(number)}, steps=1)
    bank.take(["a"])
    bank.give({"d": array(3)}, steps=1)
    assert set(bank.all()) == {"a", "c", "d"}
    bank.give({"d": array(4)}, steps=1)
    assert set(bank.all()) == {"a", "c", "d"}
