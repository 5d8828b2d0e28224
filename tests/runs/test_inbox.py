"""Suggestions are durable, numbered without gaps by any number of writers, and checked when they are read."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from evo_nas.errors import RunError
from evo_nas.genome.architecture import Signature
from evo_nas.genome.options import SpaceOptions
from evo_nas.genome.space import SearchSpace
from evo_nas.ledger import open_store
from evo_nas.runs.inbox import LOOK_S, StoredInbox
from tests.s3 import s3_server

SPACE = SearchSpace(SpaceOptions(), Signature(features=3, outputs=2), epochs=4)
WRITER = """
import sys
from evo_nas.ledger import open_store
from evo_nas.runs.inbox import StoredInbox
inbox = StoredInbox(open_store(sys.argv[1]))
for value in range(int(sys.argv[3])):
    inbox.add((int(sys.argv[2]), value), name="w" + sys.argv[2])
"""


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    with s3_server() as uri:
        yield uri


@pytest.fixture(params=["directory", "bucket"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "directory":
        return str(tmp_path / "run")
    return f"{request.getfixturevalue('bucket')}/{uuid4().hex}"


def test_several_processes_write_at_once_and_nothing_is_lost(place: str) -> None:
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, place, str(writer), "8"]) for writer in range(3)
    ]
    assert [writer.wait(120) for writer in writers] == [0, 0, 0]
    found = StoredInbox(open_store(place)).all()
    assert [each.number for each in found] == list(range(1, 25))
    assert sorted(each.genome for each in found) == [(w, value) for w in range(3) for value in range(8)]
    assert all(each.name == f"w{each.genome[0]}" for each in found)
    # Of one writer the earlier is in front.
    for writer in range(3):
        values = [each.genome[1] for each in found if each.genome[0] == writer]
        assert values == sorted(values)


def test_a_writer_that_is_killed_leaves_whole_suggestions(tmp_path: Path) -> None:
    place = str(tmp_path / "run")
    with subprocess.Popen([sys.executable, "-c", WRITER, place, "1", "100000"]) as writer:
        inbox = StoredInbox(open_store(place))
        while len(inbox.all()) < 20:
            assert writer.poll() is None
        writer.kill()
    fresh = StoredInbox(open_store(place))
    assert [each.number for each in fresh.all()] == list(range(1, len(fresh.all()) + 1))
    assert not list(fresh.damage())
    assert fresh.add((7,), name="next").number == len(fresh.all())


def test_equal_suggestions_get_numbers_of_their_own(place: str) -> None:
    inbox = StoredInbox(open_store(place))
    assert [inbox.add((1, 2), name="a").number for _ in range(3)] == [1, 2, 3]


def test_a_search_looks_twice_a_second_and_a_program_always(tmp_path: Path) -> None:
    now = [100.0]
    inbox = StoredInbox(open_store(tmp_path), clock=lambda: now[0])
    other = StoredInbox(open_store(tmp_path))
    assert not inbox.suggestions()
    other.add((1,), name="a")
    assert not inbox.suggestions()
    assert len(other.all()) == 1
    now[0] += LOOK_S
    assert [each.genome for each in inbox.suggestions()] == [(1,)]


def test_what_is_damaged_is_left_out_and_reported(tmp_path: Path) -> None:
    inbox = StoredInbox(open_store(tmp_path))
    for value in range(4):
        inbox.add((value,), name="a")
    damaged, moved = tmp_path / "inbox" / "00000002.json", tmp_path / "inbox" / "00000009.json"
    damaged.write_bytes(damaged.read_bytes().replace(b"1\n", b"7\n", 1))
    (tmp_path / "inbox" / "00000003.json").rename(moved)
    (tmp_path / "inbox" / "README.txt").write_text("hello")
    fresh = StoredInbox(open_store(tmp_path))
    assert [each.number for each in fresh.all()] == [1, 4]
    reported = "\n".join(fresh.damage())
    assert {"00000002", "00000009", "README"} == {
        name for name in ("00000001", "00000002", "00000004", "00000009", "README") if name in reported
    }
    # A number that is damaged is not given again.
    assert fresh.add((5,), name="a").number == 10


def test_the_space_is_known_without_the_data(place: str) -> None:
    inbox = StoredInbox(open_store(place))
    with pytest.raises(RunError, match="when a search with strategy.kind external begins"):
        inbox.space(SPACE.options)
    inbox.keep_space(SPACE, batch_steps=12)
    inbox.keep_space(SPACE, batch_steps=12)
    again = inbox.space(SPACE.options)
    assert (again.genes, again.signature, again.epochs) == (SPACE.genes, SPACE.signature, SPACE.epochs)
    assert not list(inbox.damage())
    assert not inbox.all()
