"""What a champion is compared with is as good as it could be made without tuning."""

from dataclasses import asdict, replace

import pytest

from benchmarks import contests
from benchmarks.ablation_blocks import network
from benchmarks.contests import NAMES, Challenge, Contest, Found
from benchmarks.data_sets import DATA_SETS, DataSet
from benchmarks.trainings import Kept
from evo_nas.champion.opponents import is_lstm
from evo_nas.genome.blocks import Shortcut
from evo_nas.genome.codec import to_json
from evo_nas.genome.parameters import count_parameters

TINY = DataSet(
    {
        "name": "tiny",
        "task": {"kind": "formal_language", "language": "anbn", "train": 40, "validation": 8, "test": 8},
        "training": {"epochs": 1},
    }
)
CHAMPION = replace(
    network("gru", 16, rate=1e-2, batch=8, embedding=4), shortcut=Shortcut.of("ngrams 1-2 x 4096")
)


@pytest.fixture
def contest(monkeypatch, tmp_path):
    monkeypatch.setattr(contests, "FOLDER", tmp_path)
    monkeypatch.setitem(DATA_SETS, "tiny", TINY)
    kept = Kept(tmp_path / "champions" / "tiny.jsonl")
    for name in NAMES[:2]:
        kept.add(f"{name}, 4 evaluations", asdict(Found(to_json(CHAMPION), 0.5, 4, 1.0)))
    return Contest("tiny", Challenge(4), make=True)


def test_champion_with_lstm_cells_has_its_shortcut_and_its_size(contest):
    signature = TINY.experiment().dataset.signature
    twin = contest.contestants["champion with LSTM cells"]
    assert is_lstm(twin)
    assert twin.shortcut == CHAMPION.shortcut
    assert count_parameters(twin, signature) == pytest.approx(count_parameters(CHAMPION, signature), rel=0.02)
