"""Data sets of Hugging Face, from a local folder without a script."""

from __future__ import annotations

import json
import sys
from zipfile import ZipFile

import numpy as np
import pandas as pd
import pytest

from evo_nas.data.huggingface import _check_files, read_dataset
from evo_nas.data.paths import resolved
from evo_nas.errors import DataError
from evo_nas.tasks.registry import TASKS
from evo_nas.tasks.text_classification import TextClassificationTask, TextOptions


@pytest.fixture
def saved(tmp_path, monkeypatch):
    """Writes rows of a training and a test part; returns the options that read them."""
    pytest.importorskip("datasets", reason="needs the extra huggingface")
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")

    def save(row, *, train: int = 40, test: int = 10) -> dict[str, str]:
        place = tmp_path / "weather"
        place.mkdir()
        for split, count in (("train", train), ("test", test)):
            rows = [row(split, number) for number in range(count)]
            (place / f"{split}.jsonl").write_text("\n".join(map(json.dumps, rows)))
        return {"huggingface": "weather"}

    return save


def task(kind: str, base, **options):
    return TASKS[kind](resolved(TASKS[kind].Options.model_validate(options), base))


def sizes(dataset) -> list[int]:
    return [len(part) for part in (dataset.train, dataset.validation, dataset.test)]


@pytest.mark.filterwarnings("ignore")
def test_a_local_folder_is_read_with_its_own_splits(saved, tmp_path) -> None:
    options = saved(lambda split, n: {"text": f"{split} cloud {n}", "label": "wet" if n % 2 else "dry"})
    texts = task("text_classification", tmp_path, **options)
    dataset = texts.read().dataset
    assert sizes(dataset) == [36, 4, 10]
    assert dataset.classes == ("dry", "wet")
    assert {path.name for path in texts.files()} == {"train.jsonl", "test.jsonl"}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "named", ["{}/secret.csv", "../secret.csv", "file://{}/secret.csv", "zip://a.csv::{}/secret.zip"]
)
def test_a_data_set_reads_no_files_that_are_not_its_own(saved, tmp_path, named) -> None:
    options = saved(lambda split, n: {"text": f"{split} cloud {n}", "label": n % 2})
    (tmp_path / "secret.csv").write_text("text,label\nhunter2,wet\n")
    with ZipFile(tmp_path / "secret.zip", "w") as packed:
        packed.writestr("a.csv", "text,label\nhunter2,wet\n")
    card = "---\nconfigs:\n- config_name: default\n  data_files:\n  - split: train\n    path: {}\n---\n"
    (tmp_path / "weather" / "README.md").write_text(card.format(named.format(tmp_path)))
    with pytest.raises(DataError, match="none of its own files"):
        task("text_classification", tmp_path, **options).read()


@pytest.mark.parametrize(
    "file", ["/etc/passwd", "http://169.254.169.254/a.csv", "file:///etc/passwd::hf://datasets/a/b"]
)
def test_a_data_set_of_the_hub_reads_files_of_the_hub_alone(file) -> None:
    _check_files("a/b", {"train": ["hf://datasets/a/b@1/a.csv", "zip://a.csv::hf://datasets/a/b@1/a.zip"]})
    with pytest.raises(DataError, match="none of its own files"):
        _check_files("a/b", {"train": [file]})


@pytest.mark.filterwarnings("ignore")
def test_lists_of_numbers_are_sequences(saved, tmp_path) -> None:
    rng = np.random.default_rng(0)
    options = saved(lambda split, n: {"x": rng.normal(size=(3 + n % 4, 2)).tolist(), "label": n % 2})
    dataset = task("classification", tmp_path, **options).read().dataset
    assert sizes(dataset) == [36, 4, 10]
    assert dataset.signature.features == 2
    assert dataset.test.lengths.tolist() == [3 + n % 4 for n in range(10)]


@pytest.mark.filterwarnings("ignore")
def test_lists_of_labels_are_a_label_a_step(saved, tmp_path) -> None:
    rng = np.random.default_rng(0)
    options = saved(lambda split, n: {"x": rng.normal(size=4).tolist(), "labels": ["a", "b", "a", "b"]})
    dataset = task("labelling", tmp_path, **options).read().dataset
    assert dataset.test.targets.tolist() == [[0, 1, 0, 1]] * 10


@pytest.mark.filterwarnings("ignore")
def test_lists_of_tokens_are_tagged(saved, tmp_path) -> None:
    options = saved(lambda split, n: {"tokens": [f"word{n}{split}", "falls"], "ner_tags": ["NOUN", "VERB"]})
    dataset = task("tagging", tmp_path, **options).read().dataset
    assert sizes(dataset) == [36, 4, 10]
    assert dataset.classes == ("NOUN", "VERB")


@pytest.mark.filterwarnings("ignore")
def test_rows_of_text_are_lines_of_a_corpus(saved, tmp_path) -> None:
    options = saved(lambda split, n: {"text": f"{split} line {n}" if n % 5 else ""}, test=30)
    dataset = task("language_model", tmp_path, **options, steps=8).read().dataset
    spelt = "".join(dataset.vocabulary[token] for token in dataset.train.tokens)
    assert spelt.startswith("\ntrain line 1\ntrain line 2\n")
    assert len(dataset.test.tokens) == sum(len(f"test line {n}") * (n % 5 > 0) + 1 for n in range(30))


@pytest.mark.filterwarnings("ignore")
def test_classes_of_a_list_have_their_names(saved, tmp_path) -> None:
    datasets = pytest.importorskip("datasets", reason="needs the extra huggingface")
    tags = datasets.Sequence(datasets.ClassLabel(names=["O", "PER"]))
    features = datasets.Features({"tokens": datasets.Sequence(datasets.Value("string")), "tags": tags})
    rows = datasets.Dataset.from_dict({"tokens": [["Anna", "sings"]], "tags": [[1, 0]]}, features=features)
    rows.to_parquet(tmp_path / "train.parquet")
    assert read_dataset(str(tmp_path), subset=None)["train"].lists("tags") == [["PER", "O"]]


@pytest.mark.filterwarnings("ignore")
def test_an_index_of_pandas_is_no_signal(tmp_path) -> None:
    pytest.importorskip("datasets", reason="needs the extra huggingface")
    rows = pd.DataFrame({"a": [1.5, 2.5], "b": [3.5, 4.5]}, index=[7, 3])
    rows.to_parquet(tmp_path / "train.parquet")
    table = read_dataset(str(tmp_path), subset=None)["train"]
    assert table.index_columns == ("__index_level_0__",)
    assert table.numeric_columns() == ["a", "b"]


def test_without_the_extra_it_says_what_to_install(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(DataError, match=r"run `pip install evo-nas\[huggingface\]`"):
        TextClassificationTask(TextOptions(huggingface="weather")).read()
