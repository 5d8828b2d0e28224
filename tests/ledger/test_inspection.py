"""A run all of whose files are looked at."""

from __future__ import annotations

from pathlib import Path

import pytest

from evo_nas.errors import CorruptLedgerError
from evo_nas.ledger import Ledger
from evo_nas.ledger.schema import to_table
from evo_nas.ledger.segments import encode_segment
from tests.checker import reader
from tests.ledger.samples import OtherHostStore, candidates, evaluations, segment_names, start


@pytest.fixture
def run(tmp_path: Path) -> Path:
    start(tmp_path / "run", (0, 1), (2, 3), (4,))
    Ledger.open(tmp_path / "run").close()
    return tmp_path / "run"


def test_the_files_of_a_whole_run_are_counted(run: Path) -> None:
    assert reader(run).check() == 1 + 2 * 2 + 3


def test_damage_that_no_search_would_notice_is_named_and_can_be_set_aside(run: Path) -> None:
    merged, content = encode_segment(to_table(evaluations(0, 1, 2, 3), first_seq=0), candidates(), term=2)
    (run / merged.path).write_bytes(content)
    (run / "segments" / segment_names(run)[0]).write_bytes(b"damaged, and its rows are in another segment")
    (run / "fencing" / "00000001.claim.json").write_bytes(b"{}")
    (run / "fencing" / "notes.txt").write_bytes(b"")
    assert reader(run).history().told == evaluations(*range(5))
    with pytest.raises(CorruptLedgerError) as failure:
        reader(run).check()
    for named in ("fencing/00000001.claim.json is damaged", "fencing/notes.txt", segment_names(run)[0]):
        assert named in str(failure.value)
    Ledger.open(run, accept_data_loss=True).close()
    assert reader(run).history().told == evaluations(*range(5))
    assert reader(run).check() == 1 + 2 * 2 + 2


def test_segments_that_nothing_counts_fail(run: Path) -> None:
    late = Ledger.open(run)
    with Ledger.open(OtherHostStore(run)):
        pass
    name, content = encode_segment(to_table(evaluations(5), first_seq=5), [], term=late._term)
    (run / name.path).write_bytes(content)
    (run / "segments" / "notes.txt").write_bytes(b"")
    with pytest.raises(CorruptLedgerError) as failure:
        reader(run).check()
    assert f"{name.path} is counted by no fence" in str(failure.value)
    assert "segments/notes.txt is not a segment of this ledger" in str(failure.value)
    late.close()
    Ledger.open(run).close()
    assert reader(run).check()


def test_missing_evaluations_and_other_damage_are_told_together(run: Path) -> None:
    (run / "segments" / segment_names(run)[0]).unlink()
    (run / "fencing" / "00000001.claim.json").write_bytes(b"{}")
    with pytest.raises(CorruptLedgerError, match=r"(?s)lacks evaluations 0 to 1 .*00000001\.claim\.json"):
        reader(run).check()


def test_a_writer_that_died_while_it_opened_the_run_is_no_damage(run: Path) -> None:
    Ledger.open(run).close()
    (run / "fencing" / "00000003.fence.json").unlink()
    assert reader(run).check() == 1 + 2 * 2 + 1 + 3
