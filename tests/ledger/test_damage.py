"""Files that are torn, flipped, foreign, missing or from the future."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from evo_nas.errors import CorruptLedgerError, FormatError
from evo_nas.ledger import Ledger, contents
from evo_nas.ledger.schema import to_table
from evo_nas.ledger.segments import encode_segment
from tests.checker import check_run, reader
from tests.ledger.samples import READS, candidates, evaluation, evaluations, segment_names, start, told_ids


def zero_a_sector(content: bytes) -> bytes:
    return content[:512] + bytes(512) + content[1024:]


def flip_a_bit(content: bytes) -> bytes:
    middle = len(content) // 3
    return content[:middle] + bytes([content[middle] ^ 4]) + content[middle + 1 :]


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda content: b"",
    "one byte": lambda content: content[:1],
    "half": lambda content: content[: len(content) // 2],
    "without its last byte": lambda content: content[:-1],
    "zeroed tail": lambda content: content[:-64] + bytes(64),
    "zeroed sector": zero_a_sector,
    "flipped bit": flip_a_bit,
    "written twice": lambda content: content * 2,
    "junk at its end": lambda content: content + b"junk",
    "text": lambda content: b"not parquet",
}


@pytest.fixture
def run(tmp_path: Path) -> Path:
    start(tmp_path / "run", (0, 1), (2, 3), (4,))
    return tmp_path / "run"


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
@pytest.mark.parametrize("which", [0, 1, 2])
def test_a_damaged_segment_stops_the_run_until_its_loss_is_accepted(
    run: Path, damage: Callable[[bytes], bytes], which: int
) -> None:
    path = run / "segments" / segment_names(run)[which]
    path.write_bytes(damage(path.read_bytes()))
    lost = [(0, 1), (2, 3), (4,)][which]
    kept = [key for key in range(5) if key not in lost]

    for attempt in (*READS, Ledger.open):
        with pytest.raises(
            CorruptLedgerError, match=f"lacks evaluations {lost[0]} to {lost[-1]} .*{path.name}"
        ):
            attempt(run)
    assert path.exists()
    with Ledger.open(run, accept_data_loss=True) as ledger:
        assert told_ids(ledger) == kept
        ledger.append(evaluations(5), born=[])
    with Ledger.open(run) as ledger:
        assert told_ids(ledger) == [*kept, 5]
    assert reader(run).table()["seq"].to_pylist() == [*kept, 5]
    assert [name.partition("-")[2] for name in sorted(map(str, _names(run / "quarantine")))] == [path.name]


def test_candidates_told_in_a_lost_segment_are_in_flight_again(run: Path) -> None:
    (run / "segments" / segment_names(run)[1]).unlink()
    with Ledger.open(run, accept_data_loss=True) as ledger:
        assert ledger.history().in_flight == candidates(2, 5)


def test_a_missing_segment_is_noticed_even_in_the_first_session(run: Path) -> None:
    (run / "segments" / segment_names(run)[0]).unlink()
    with pytest.raises(CorruptLedgerError, match="lacks evaluations 0 to 1 .*their files are missing"):
        reader(run).history()


def test_a_loss_of_many_segments_names_some_of_them(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Ledger.open(run).close()
    for name in segment_names(run):
        (run / "segments" / name).unlink()
    monkeypatch.setattr(contents, "CAUSES_TOLD", 1)
    with pytest.raises(CorruptLedgerError, match=r"\([^;]* is missing; and \d+ more\); restore the files"):
        Ledger.open(run)


def test_a_missing_last_segment_is_noticed_once_it_is_fenced(run: Path) -> None:
    Ledger.open(run).close()
    missing = segment_names(run)[-1]
    (run / "segments" / missing).unlink()
    with pytest.raises(CorruptLedgerError, match=f"lacks evaluations 4 to 4 .*{missing} is missing"):
        Ledger.open(run)


def test_damage_that_costs_no_row_stops_nothing(run: Path, caplog: pytest.LogCaptureFixture) -> None:
    merged, content = encode_segment(to_table(evaluations(0, 1, 2, 3), first_seq=0), candidates(), term=1)
    (run / merged.path).write_bytes(content[:-1])
    with Ledger.open(run) as ledger:
        assert told_ids(ledger) == [0, 1, 2, 3, 4]
    assert f"{merged.path} set aside as quarantine/" in caplog.text


def test_sources_left_by_an_interrupted_compaction_are_removed(run: Path) -> None:
    merged, content = encode_segment(to_table(evaluations(0, 1, 2, 3), first_seq=0), candidates(), term=1)
    (run / merged.path).write_bytes(content)
    assert check_run(run, acknowledged={key: evaluation(key) for key in range(5)}) == []
    Ledger.open(run).close()
    assert len(segment_names(run)) == 2
    assert check_run(run, acknowledged={key: evaluation(key) for key in range(5)}) == []


def test_foreign_files_are_set_aside_and_stop_nothing(run: Path, caplog: pytest.LogCaptureFixture) -> None:
    segment = (run / "segments" / segment_names(run)[0]).read_bytes()
    for name in ("notes.txt", "data.parquet", segment_names(run)[0] + ".part"):
        (run / "segments" / name).write_bytes(segment[:100])
    (run / "segments" / "folder").mkdir()
    assert reader(run).history().told == evaluations(0, 1, 2, 3, 4)
    with Ledger.open(run) as ledger:
        assert told_ids(ledger) == [0, 1, 2, 3, 4]
    assert len(segment_names(run)) == 3
    assert len(_names(run / "quarantine")) == 4
    assert "segments/notes.txt set aside as quarantine/" in caplog.text


def test_directories_where_files_belong_stop_nothing_that_is_whole(run: Path) -> None:
    (run / "tmp" / "nested").mkdir(parents=True)
    segment = sorted((run / "segments").iterdir())[0]
    segment.unlink()
    segment.mkdir()
    with pytest.raises(CorruptLedgerError, match="Is a directory"):
        Ledger.open(run)
    with Ledger.open(run, accept_data_loss=True) as ledger:
        assert ledger.history().lost
    assert not segment.exists()


def test_a_foreign_claim_of_a_very_late_term_stops_nothing(run: Path) -> None:
    (run / "fencing" / "99999999.claim.json").write_text("{}")
    for _ in range(2):
        with Ledger.open(run):
            pass
    assert (run / "fencing" / "100000001.fence.json").exists()


def test_leftovers_of_interrupted_writes_are_removed(run: Path) -> None:
    (run / "tmp" / "leftover").write_bytes(b"torn")
    Ledger.open(run).close()
    assert _names(run / "tmp") == []


def test_a_segment_of_a_newer_format_is_refused(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as newer:
        newer.setattr("evo_nas.ledger.segments.MIN_READER", 2)
        name, content = encode_segment(to_table(evaluations(5), first_seq=5), [], term=1)
    (run / name.path).write_bytes(content)
    with pytest.raises(FormatError, match="reader of format 2"):
        reader(run).history()


def test_a_damaged_fence_stops_the_run_until_its_loss_is_accepted(run: Path) -> None:
    (run / "fencing" / "00000001.fence.json").write_bytes(b'{"term": 1,')
    with pytest.raises(CorruptLedgerError, match=r"00000001\.fence\.json is damaged"):
        Ledger.open(run)
    with Ledger.open(run, accept_data_loss=True) as ledger:
        assert told_ids(ledger) == [0, 1, 2, 3, 4]
    assert len(reader(run).history().told) == 5


def test_damage_while_searching_stops_the_search(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evo_nas.ledger.compaction.FAN_IN", 3)
    with Ledger.open(run) as ledger:
        (run / "segments" / segment_names(run)[0]).write_bytes(b"")
        with pytest.raises(CorruptLedgerError, match="damaged while the run was searching"):
            ledger.append(evaluations(5), born=[])


def test_a_clean_run_opens_without_a_word(run: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        Ledger.open(run).close()
    assert caplog.text == ""


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())
