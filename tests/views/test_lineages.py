"""Pedigrees of many runs stay within bounds, and are right after whatever came since."""

from __future__ import annotations

from pathlib import Path

import pytest

from evo_nas.ledger import Ledger
from evo_nas.runs import Run
from evo_nas.runs.operators import tally_operators
from evo_nas.views.digest import RunDigest
from evo_nas.views.lineages import COLUMNS, Pedigree, Pedigrees
from tests.views.test_digest import KINDS, evaluation, write


def digest_of(run: Run) -> RunDigest:
    digest = RunDigest(run)
    digest.update()
    return digest


def read_from(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Returns a list that gets the first place of each reading of a run."""
    places: list[int] = []
    scan = Run.scan

    def noted(run, columns, *, first=0, last=None):
        places.append(first)
        return scan(run, columns, first=first, last=last)

    monkeypatch.setattr(Run, "scan", noted)
    return places


@pytest.mark.parametrize("kind", KINDS)
def test_only_what_a_search_adds_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    digest = digest_of(write(tmp_path / "run", 40, kind=kind))
    pedigrees = Pedigrees()
    pedigrees.pedigree(digest)
    with Ledger.open(tmp_path / "run") as ledger:
        ledger.append([evaluation(key, kind=kind) for key in range(40, 60)], born=[])
    digest.update()
    places = read_from(monkeypatch)
    grown = pedigrees.pedigree(digest)
    assert tally_operators(pedigrees.table(digest)) == tally_operators(digest.run.columns(COLUMNS))
    assert places == [40]
    whole = Pedigree(digest.run.columns(COLUMNS))
    assert grown.family(range(60), most=100) == whole.family(range(60), most=100)


def test_a_run_whose_loss_was_accepted_has_the_pedigree_of_what_is_left(tmp_path: Path) -> None:
    digest = digest_of(write(tmp_path / "run", 40, kind="plain", rows=10))
    pedigrees = Pedigrees()
    assert pedigrees.pedigree(digest).trainings_of(15) == [15]
    sorted((tmp_path / "run" / "segments").iterdir())[1].write_bytes(b"damaged")
    with Ledger.open(tmp_path / "run", accept_data_loss=True):
        pass
    digest.update()
    assert pedigrees.pedigree(digest).trainings_of(15) == []
    assert len(pedigrees.table(digest)) == 30


def test_what_was_asked_for_last_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evo_nas.views.lineages.MOST_ROWS", 70)
    first, second, third = (digest_of(write(tmp_path / name, 30, kind="plain")) for name in "abc")
    pedigrees, places = Pedigrees(), read_from(monkeypatch)
    for digest in (first, second, first, third):
        pedigrees.pedigree(digest)
    assert len(places) == 3
    pedigrees.pedigree(first)
    assert len(places) == 3
    pedigrees.pedigree(second)
    assert len(places) == 4
