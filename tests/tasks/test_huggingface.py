"""Data sets of Hugging Face, from a local folder without a script."""

from __future__ import annotations

import json
import sys

import pytest

from evo_nas.config import checked
from evo_nas.errors import DataError
from evo_nas.tasks.text_classification import TextClassificationTask, TextOptions


@pytest.fixture
def folder(tmp_path, monkeypatch):
    pytest.importorskip("datasets", reason="needs the extra huggingface")
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")
    place = tmp_path / "weather"
    place.mkdir()
    for split, count in (("train", 40), ("test", 10)):
        rows = [{"text": f"{split} cloud {n}", "label": "wet" if n % 2 else "dry"} for n in range(count)]
        (place / f"{split}.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return tmp_path


@pytest.mark.filterwarnings("ignore")
def test_a_local_folder_is_read_with_its_own_splits(folder) -> None:
    options = checked(TextOptions, {"huggingface": "weather"}, base=folder)
    task = TextClassificationTask(options)
    dataset = task.load()
    assert [len(part) for part in (dataset.train, dataset.validation, dataset.test)] == [36, 4, 10]
    assert dataset.classes == ("dry", "wet")
    assert {path.name for path in task.files()} == {"train.jsonl", "test.jsonl"}


def test_without_the_extra_it_says_what_to_install(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(DataError, match=r"run `pip install evo-nas\[huggingface\]`"):
        TextClassificationTask(TextOptions(huggingface="weather")).load()
