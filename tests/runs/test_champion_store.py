"""A champion is kept whole or not at all, wherever the run lies."""

from __future__ import annotations

from pathlib import Path

import pytest

from evo_nas.ledger import LocalStore, Store
from evo_nas.runs import ChampionStore

FILES = {"genome.json": b"{}", "model.safetensors": b"\x00\x01"}
VERDICT = {"candidate": 3}


class Breaking(LocalStore):
    """A directory whose disk fails after so many files."""

    def __init__(self, root: Path, lives: int) -> None:
        super().__init__(root)
        self._lives = lives

    def create(self, name: str, content: bytes) -> bool:
        self._lives -= 1
        if self._lives < 0:
            raise KeyboardInterrupt  # as abrupt as a kill
        return super().create(name, content)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return LocalStore(tmp_path / "run")


def files_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_what_was_published_is_kept_with_its_verdict(store: Store) -> None:
    champion = ChampionStore(store)
    assert champion.verdict() is None
    assert champion.files() == {}
    champion.publish({"champion": FILES}, VERDICT)
    assert champion.verdict() == VERDICT
    assert champion.files().items() >= FILES.items()


def test_the_newest_champion_counts_and_earlier_ones_go(store: Store, tmp_path: Path) -> None:
    champion = ChampionStore(store)
    for candidate in range(3):
        champion.publish({"champion": FILES}, {"candidate": candidate})
    assert champion.verdict() == {"candidate": 2}
    assert list(champion.damage()) == []
    assert len(files_in(tmp_path / "run" / "champion")) == len(FILES) + 1


@pytest.mark.parametrize("lives", range(len(FILES) + 1))
def test_a_kill_while_it_is_published_leaves_the_earlier_one(tmp_path: Path, lives: int) -> None:
    ChampionStore(LocalStore(tmp_path / "run")).publish({"champion": FILES}, {"candidate": 1})
    with pytest.raises(KeyboardInterrupt):
        ChampionStore(Breaking(tmp_path / "run", lives)).publish({"champion": FILES}, {"candidate": 2})
    champion = ChampionStore(LocalStore(tmp_path / "run"))
    assert champion.verdict() == {"candidate": 1}
    assert list(champion.damage()) == []  # the earlier champion is whole, and it is the one that counts
    champion.publish({"champion": FILES}, {"candidate": 3})
    assert list(champion.damage()) == []
    assert champion.verdict() == {"candidate": 3}


def test_a_champion_with_any_damaged_file_is_none(store: Store, tmp_path: Path) -> None:
    champion = ChampionStore(store)
    champion.publish({"champion": FILES}, VERDICT)
    files = files_in(tmp_path / "run" / "champion")
    assert len(files) == len(FILES) + 1
    for path in files:
        whole = path.read_bytes()
        path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
        assert champion.verdict() is None
        assert list(champion.damage())
        path.write_bytes(whole)
    assert champion.verdict() == VERDICT
    assert list(champion.damage()) == []


def test_a_training_is_kept_with_its_weights(store: Store) -> None:
    champion = ChampionStore(store)
    champion.keep_training("a", {"test": 0.5}, b"weights")
    champion.keep_training("b", {"test": None})
    kept = champion.training("a")
    assert kept is not None
    assert kept["test"] == 0.5
    assert champion.weights("a") == b"weights"
    assert champion.weights("b") is None
    assert champion.training("c") is champion.weights("c") is None


def test_damaged_weights_are_none(store: Store, tmp_path: Path) -> None:
    champion = ChampionStore(store)
    champion.keep_training("a", {"test": 0.5}, b"weights")
    (tmp_path / "run" / "champion" / "trainings" / "a.safetensors").write_bytes(b"wights")
    assert champion.weights("a") is None
    assert "is damaged" in next(champion.damage())
    champion.keep_training("a", {"test": 0.5}, b"weights")
    assert champion.weights("a") == b"weights"


def test_trainings_of_an_earlier_champion_are_discarded_but_scores_alone_stay(store: Store) -> None:
    champion = ChampionStore(store)
    for key in ("a", "b"):
        champion.keep_training(key, {"test": 0.5}, b"weights")
    champion.keep_training("c", {"validation": 0.5})
    champion.discard_trainings(frozenset({"b"}))
    assert champion.training("a") is champion.weights("a") is None
    assert champion.weights("b") == b"weights"
    assert champion.training("c") is not None


def test_a_file_that_nobody_published_is_neither_read_nor_unnoticed(store: Store) -> None:
    champion = ChampionStore(store)
    champion.publish({"champion": FILES}, VERDICT)
    (folder,) = store.list("champion")
    store.create(f"champion/{folder}/evil.json", b"{}")
    store.create("champion/000002x/model.safetensors", b"")
    assert "evil.json" not in champion.files()
    assert [line.partition(" ")[0] for line in champion.damage()] == [
        "champion/000002x",
        f"champion/{folder}/evil.json",
    ]
    champion.publish({"champion": FILES}, {"candidate": 4})
    assert champion.verdict() == {"candidate": 4}


BESIDE = {"champion": FILES, "lstm": {"model.safetensors": b"of the lstm"}}


def test_what_the_champion_was_compared_with_is_kept_beside_it(store: Store) -> None:
    champion = ChampionStore(store)
    champion.publish(BESIDE, VERDICT)
    assert champion.models() == ("champion", "lstm")
    assert champion.files("lstm") == BESIDE["lstm"]
    assert champion.files().keys() == {*FILES, "verdict.json"}
    assert champion.files("gru") == {}
    champion.publish(BESIDE, VERDICT)
    assert list(champion.damage()) == []


def test_a_damaged_opponent_is_named_and_leaves_the_champion(store: Store, tmp_path: Path) -> None:
    champion = ChampionStore(store)
    champion.publish(BESIDE, VERDICT)
    (path,) = (tmp_path / "run" / "champion").glob("0*/lstm/model.safetensors")
    path.write_bytes(b"of the lstn")
    assert champion.files("lstm") == {}
    assert champion.verdict() == VERDICT
    assert "is not whole" in next(champion.damage())


def test_a_model_that_is_added_lasts_until_the_next_champion(store: Store, tmp_path: Path) -> None:
    champion = ChampionStore(store)
    champion.publish(BESIDE, VERDICT)
    champion.add("ensemble", {"model.safetensors": b"of many"})
    assert champion.models() == ("champion", "lstm", "ensemble")
    assert champion.files("ensemble") == {"model.safetensors": b"of many"}
    assert list(champion.damage()) == []
    (path,) = (tmp_path / "run" / "champion").glob("0*/ensemble/model.safetensors")
    path.write_bytes(b"of mny")
    assert champion.models() == ("champion", "lstm")
    assert "ensemble is not whole" in next(champion.damage())
    champion.publish(BESIDE, VERDICT)
    assert champion.models() == ("champion", "lstm")
    assert list(champion.damage()) == []


def test_looks_at_the_test_part_are_numbered_and_one_that_goes_on_is_the_same(
    store: Store, tmp_path: Path
) -> None:
    champion = ChampionStore(store)
    assert champion.look("a", {}) == 1
    assert champion.look("b", {}) == 2
    assert champion.look("a", {}) == 1
    champion.discard_trainings(frozenset())
    (tmp_path / "run" / "champion" / "looks" / "a.json").write_bytes(b"{")
    assert "still counts" in next(champion.damage())
    assert champion.look("c", {}) == 3
