"""What every store promises to the ledger."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from evo_nas.ledger import LocalStore, Store
from evo_nas.ledger.object_store import ObjectStore
from tests.ledger.samples import MemoryStore


@pytest.fixture(params=["local", "s3", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "local":
        return LocalStore(tmp_path / "run")
    return ObjectStore(request.getfixturevalue("place")) if request.param == "s3" else MemoryStore()


def test_what_was_created_is_read_back(store: Store) -> None:
    content = bytes(range(256)) * 5000
    assert store.create("segments/a", content)
    assert store.read("segments/a") == content
    assert store.create("empty", b"")
    assert store.read("empty") == b""


def test_a_name_is_taken_once(store: Store) -> None:
    assert store.create("fencing/1", b"mine")
    assert not store.create("fencing/1", b"yours")
    assert store.read("fencing/1") == b"mine"


def test_of_many_who_want_a_name_one_gets_it(store: Store) -> None:
    winners: list[int] = []

    def claim(owner: int) -> None:
        if store.create("fencing/1", f"{owner}".encode()):
            winners.append(owner)

    threads = [threading.Thread(target=claim, args=(owner,)) for owner in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [f"{owner}".encode() for owner in winners] == [store.read("fencing/1")]


def test_a_missing_file_is_not_found(store: Store) -> None:
    with pytest.raises(FileNotFoundError):
        store.read("segments/a")


def test_a_folder_lists_what_was_created_and_not_deleted(store: Store) -> None:
    assert store.list("segments") == []
    for name in ("segments/b", "segments/a", "segments/c", "fencing/1", "RUN.json"):
        store.create(name, b"content")
    store.delete("segments/c")
    assert store.list("segments") == ["a", "b"]
    assert {"RUN.json", "fencing", "segments"} <= set(store.list(""))


def test_deleting_what_is_not_there_is_no_error(store: Store) -> None:
    store.delete("segments/a")
    store.create("segments/a", b"content")
    store.delete("segments/a")
    store.delete("segments/a")
    assert store.list("segments") == []


def test_what_is_set_aside_is_kept_elsewhere(store: Store) -> None:
    store.create("segments/torn", b"half")
    aside = store.set_aside("segments/torn")
    assert store.list("segments") == []
    assert store.read(aside) == b"half"
    assert not aside.startswith("segments/")


def test_a_lock_can_be_had_again_once_it_was_given_back(store: Store) -> None:
    store.lock()
    store.discard_leftovers()
    store.close()
    store.close()
    store.lock()
    store.close()
    assert store.list("tmp") == []
