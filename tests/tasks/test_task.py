"""What every task does with its files."""

from __future__ import annotations

import json
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

import pytest

from evo_nas.data import files
from evo_nas.errors import DataError
from evo_nas.tasks.forecast import ForecastOptions, ForecastTask
from evo_nas.tasks.registry import TASKS
from evo_nas.tasks.text_classification import TextClassificationTask, TextOptions

FROM_FILES = [
    kind for kind, task in TASKS.items() if task.Options.model_fields.keys() & {"path", "characters"}
]


@pytest.fixture
def reads(monkeypatch) -> Counter[Path]:
    """How often a reader opened each file to parse it."""
    counts: Counter[Path] = Counter()
    reading = files.reading

    @contextmanager
    def counted(path: Path):
        counts[path] += 1
        with reading(path):
            yield

    # Every reader has its bytes from `content_of`, which enters this.
    monkeypatch.setattr(files, "reading", counted)
    return counts


@pytest.mark.parametrize("kind", FROM_FILES)
def test_data_set_and_baselines_come_from_one_read_of_each_file(kind, reads, tmp_path) -> None:
    task = TASKS[kind].sample(tmp_path)
    files = task.files()
    reads.clear()  # it may look into tables for the names of further files
    prepared = task.read()
    assert prepared.fit_baselines()
    assert reads == dict.fromkeys(files, 1)
    assert reads


def test_each_of_several_tables_is_read_once(reads, tmp_path) -> None:
    paths = [tmp_path / f"{name}.csv" for name in "abcd"]
    for number, path in enumerate(paths):
        path.write_text("x,y\n" + "\n".join(f"{row + 100 * number},{row % 7 + number}" for row in range(60)))
    options = {"targets": ("y",), "window": 4, "horizon": 2}
    task = ForecastTask(
        ForecastOptions(path=paths[:2], validation_path=paths[2:3], test_path=paths[3:], **options)
    )
    task.read().fit_baselines()
    assert reads == dict.fromkeys(paths, 1)


def test_every_kind_that_names_files_is_counted() -> None:
    assert len(FROM_FILES) == 11


def test_files_are_those_that_options_name(tmp_path) -> None:
    (tmp_path / "up.txt").write_text("one\ntwo\n")
    (tmp_path / "down.txt").write_text("three\nfour\n")
    classes = {"up": (tmp_path / "up.txt",), "down": (tmp_path / "down.txt",)}
    task = TextClassificationTask(TextOptions(classes=classes))
    assert task.files() == [tmp_path / "up.txt", tmp_path / "down.txt"]


def test_a_fingerprint_names_files_from_the_folder_that_they_share(tmp_path) -> None:
    for name in ("a/x.csv", "b/x.csv"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text(name)
    task = ForecastTask(ForecastOptions(path=[tmp_path / "a/x.csv", tmp_path / "b"], targets=("y",)))
    assert list(task.fingerprint()) == ["a/x.csv", "b/x.csv"]


def test_the_fingerprint_of_a_missing_file_names_it(tmp_path) -> None:
    task = ForecastTask(ForecastOptions(path=tmp_path / "nowhere.csv", targets=("y",)))
    with pytest.raises(DataError, match=r"nowhere\.csv cannot be read: No such file or directory"):
        task.fingerprint()


def test_a_task_without_files_has_no_fingerprint(tmp_path) -> None:
    assert TASKS["parity"].sample(tmp_path).fingerprint() == {}


@pytest.mark.parametrize("kind", TASKS)
def test_options_survive_their_way_through_a_run_record(kind, tmp_path) -> None:
    options = TASKS[kind].sample(tmp_path).options
    assert type(options).model_validate(json.loads(options.model_dump_json())) == options
    assert type(options).model_validate(options.model_dump(mode="json")) == options
