"""How a writer takes over a run."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from evo_nas.errors import FencedError
from evo_nas.ledger import Ledger
from evo_nas.ledger.contents import VerifiedSegments
from evo_nas.ledger.fencing import claim_term, read_fence
from evo_nas.ledger.schema import to_table
from evo_nas.ledger.segments import encode_segment
from evo_nas.ledger.takeover import take_over
from tests.checker import reader
from tests.ledger.samples import MemoryStore, candidates, evaluations, segment_names, start


@pytest.fixture
def store() -> MemoryStore:
    store = MemoryStore()
    start(store, (0, 1), (2,))
    return store


def test_a_new_term_fences_what_counted_before(store: MemoryStore) -> None:
    taken = take_over(VerifiedSegments(store))
    assert taken.term == 2
    fence, damaged = read_fence(store)
    assert (fence.term, fence.lost, damaged) == (2, (), [])
    assert list(fence.segments) == store.list("segments")


def test_a_term_is_above_all_that_was_ever_claimed_fenced_or_published(store: MemoryStore) -> None:
    name, content = encode_segment(to_table(evaluations(3), first_seq=3), [], term=5)
    store.create(name.path, content)
    assert take_over(VerifiedSegments(store), accept_data_loss=True).term == 6
    del store.files["fencing/00000006.claim.json"]
    assert take_over(VerifiedSegments(store)).term == 7


def test_a_writer_that_is_superseded_while_it_takes_over_gives_up(store: MemoryStore) -> None:
    class Overtaken(MemoryStore):
        def create(self, name: str, content: bytes) -> bool:
            created = super().create(name, content)
            if name.endswith("2.fence.json"):
                claim_term(self)
            return created

    with pytest.raises(FencedError, match=r"term 3, this one is 2"):
        take_over(VerifiedSegments(Overtaken.holding(store.files)))


def test_a_later_writer_keeps_settings_that_it_does_not_change(store: MemoryStore) -> None:
    take_over(VerifiedSegments(store), settings={"workers": {"count": 3}})
    take_over(VerifiedSegments(store))
    assert reader(store).settings() == {"workers": {"count": 3}}


def test_accepting_a_damaged_fence_removes_no_segment(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run = tmp_path / "run"
    start(run, (0, 1), (2,))
    Ledger.open(run).close()
    merged, content = encode_segment(to_table(evaluations(0, 1, 2), first_seq=0), candidates(3), term=1)
    (run / merged.path).write_bytes(content)
    (run / "fencing" / "00000002.fence.json").write_bytes(b"{}")
    (run / "fencing" / "00000001.fence.json").write_bytes(b"{}")
    with caplog.at_level(logging.WARNING), Ledger.open(run, accept_data_loss=True) as ledger:
        assert ledger.history().told == evaluations(0, 1, 2)
    assert segment_names(run) == [str(merged)]
    kept = sorted(path.name.partition("-")[2] for path in (run / "quarantine").iterdir())
    assert [name[:9] for name in kept] == ["00000001.", "00000002.", "t00000001", "t00000001"]
    assert "another segment has its places" in caplog.text
    assert reader(run).check()


def test_a_damaged_claim_stays_until_its_loss_is_accepted(store: MemoryStore) -> None:
    take_over(VerifiedSegments(store), settings={"budget": {"evaluations": 9}})
    store.files["fencing/00000002.claim.json"] = b"{}"
    take_over(VerifiedSegments(store))
    assert store.files["fencing/00000002.claim.json"] == b"{}"
    take_over(VerifiedSegments(store), accept_data_loss=True)
    assert store.list("fencing") == [
        f"0000000{term}.{kind}.json" for term in (1, 3, 4) for kind in ("claim", "fence")
    ]
