"""What kind of task files are guessed to be for, which columns play which role, and what is asked."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from evo_nas.config import load_config
from evo_nas.drafts import Draft, draft_of
from evo_nas.drafts.draft import slug
from evo_nas.drafts.parts import GivenFiles
from evo_nas.errors import DataError
from evo_nas.tasks.registry import TASKS

RNG = np.random.default_rng(0)
ROWS = 120
NOISE = [f"{value:.3f}" for value in RNG.normal(size=ROWS)]
WALK = [f"{value:.3f}" for value in RNG.normal(size=ROWS).cumsum()]
WORDS = [("up", "down", "mid")[row % 3] for row in range(ROWS)]
RUNS = [f"r{row // 10}" for row in range(ROWS)]
OF_RUNS = [("up", "down")[row // 10 % 2] for row in range(ROWS)]
HOURS = [str(np.datetime64("2024-01-01T00") + row) + ":00" for row in range(ROWS)]
WEEKS = [str(np.datetime64("2001-01-01") + 7 * row) for row in range(ROWS)]
MONTHS = [str(np.datetime64("2001-01") + row) for row in range(ROWS)]
TEXTS = [f"it was {row} times {word} and away" for row, word in enumerate(WORDS)]


def drafted(tmp_path: Path, task: str | None = None, /, **columns: list[str]) -> Draft:
    lines = [",".join(columns), *(",".join(row) for row in zip(*columns.values(), strict=True))]
    path = tmp_path / "data.csv"
    path.write_text("\n".join(lines))
    return draft_of(GivenFiles.of([path], tmp_path), task=task)


def values(draft: Draft) -> dict[str, object]:
    return {line.key: line.value for line in draft.lines}


@pytest.mark.parametrize(
    ("kind", "columns", "expected"),
    [
        ("classification", {"a": NOISE, "b": NOISE, "kind": WORDS}, {"label": "kind"}),
        (
            "classification",
            {"x0": NOISE, "y0": NOISE, "x1": NOISE, "y1": NOISE, "label": WORDS},
            {"features": 2},
        ),
        ("classification", {"run_id": RUNS, "x": NOISE, "label": OF_RUNS}, {"sequence": "run_id"}),
        ("labelling", {"run_id": RUNS, "x": NOISE, "label": WORDS}, {"sequence": "run_id", "label": "label"}),
        ("regression", {"a": NOISE, "b": NOISE, "target": NOISE}, {"targets": ["target"]}),
        ("regression", {"unit": RUNS, "a": NOISE, "RUL": WALK}, {"sequence": "unit", "target_of": "last"}),
        ("forecast", {"when": HOURS, "load": WALK}, {"time": "when", "season": 24, "targets": ["load"]}),
        ("forecast", {"Month": MONTHS, "a": WALK, "b": WALK}, {"season": 12, "targets": ["b"]}),
        ("forecast", {"week": WEEKS, "a": WALK}, {"season": 52}),
        ("forecast", {"a": WALK, "b": WALK}, {"targets": ["b"], "season": 1}),
        ("text_classification", {"review": TEXTS, "label": WORDS}, {"text": "review", "level": "word"}),
        ("text_classification", {"dna": ["ACGT" * 9] * ROWS, "label": WORDS}, {"level": "character"}),
        (
            "tagging",
            {"Sentence #": RUNS, "Word": WORDS, "Tag": WORDS},
            {"sequence": "Sentence #", "tags": "Tag"},
        ),
    ],
)
def test_a_table_is_guessed_by_its_columns(tmp_path, kind, columns, expected) -> None:
    draft = drafted(tmp_path, **columns)
    assert draft.kind == kind
    assert values(draft) | expected == values(draft)


@pytest.mark.parametrize(
    ("kind", "columns"),
    [
        ("classification", {"a": NOISE, "b": NOISE, "kind": WORDS}),
        ("classification", {"a": NOISE, "kind": ["rare" if row < 12 else "usual" for row in range(ROWS)]}),
        ("regression", {"a": NOISE, "b": NOISE, "target": NOISE}),
        ("forecast", {"when": HOURS, "load": WALK}),
        ("panel", {"store_id": RUNS, "when": HOURS, "sales": WALK}),
        ("text_classification", {"review": TEXTS, "label": WORDS}),
    ],
)
def test_what_a_draft_offers_instead_is_accepted(tmp_path, kind, columns) -> None:
    draft = drafted(tmp_path, kind, **columns)
    offers = {line.key: line.reason.partition("or: ")[2] for line in draft.lines}
    metrics = [word for word in offers["metric"].split(", ") if word]
    assert metrics
    for metric in metrics:
        options = TASKS[kind].Options.model_validate({**values(draft), "metric": metric})
        assert options.metric == metric


@pytest.mark.parametrize("name", ["2020", "true", "null", "1e3", "no", "0x1f", "2020-01-01", "sales"])
def test_a_search_may_have_a_name_that_yaml_reads_as_something_else(tmp_path, name) -> None:
    draft = drafted(tmp_path, a=NOISE, kind=WORDS)
    (tmp_path / "draft.yaml").write_text(draft.to_yaml(slug(Path(f"{name}.csv")), []))
    assert load_config(tmp_path / "draft.yaml").name == name


@pytest.mark.parametrize("width", [1, 2, 3])
def test_the_values_of_one_step_are_found_where_columns_are_only_numbered(tmp_path, width) -> None:
    courses = np.random.default_rng(0).normal(size=(ROWS, width, 6)).cumsum(axis=2)
    columns = {
        f"v{at}": [f"{value:.3f}" for value in courses[:, at % width, at // width]] for at in range(6 * width)
    }
    assert values(drafted(tmp_path, **columns, label=WORDS))["features"] == width


def test_many_short_series_are_a_panel_and_few_long_ones_are_not(tmp_path) -> None:
    days = [str(np.datetime64("2024-01-01") + row % 10) for row in range(ROWS)]
    many = drafted(tmp_path, store=RUNS, day=days, sales=WALK)
    assert (many.kind, values(many)["series"], values(many)["value"]) == ("panel", "store", "sales")
    halves = ["a"] * 60 + ["b"] * 60
    days = [str(np.datetime64("2024-01-01") + row % 60) for row in range(ROWS)]
    few = drafted(tmp_path, store=halves, day=days, sales=WALK)
    assert (few.kind, values(few)["series"]) == ("forecast", "store")


def test_a_panel_is_tested_on_the_end_of_its_series_and_on_no_file(tmp_path) -> None:
    days = [str(np.datetime64("2024-01-01") + row % 10) for row in range(ROWS)]
    rows = [f"{store},{day},{sales}" for store, day, sales in zip(RUNS, days, WALK, strict=True)]
    files = [tmp_path / name for name in ("sales_train.csv", "sales_test.csv")]
    for file in files:
        file.write_text("\n".join(["store,day,sales", *rows]))
    draft = draft_of(GivenFiles.of(files, tmp_path))
    assert (draft.kind, values(draft)["path"]) == ("panel", "sales_train.csv")
    assert values(draft).keys() <= TASKS["panel"].Options.model_fields.keys()


def test_a_table_of_times_and_words_is_a_question_that_task_answers(tmp_path) -> None:
    columns = {"when": HOURS, "run": RUNS, "x": WALK, "label": WORDS}
    with pytest.raises(
        DataError, match=r"may be for .*labelling \(.*, or .*forecast .*; say which with --task"
    ):
        drafted(tmp_path, **columns)
    assert drafted(tmp_path, "labelling", **columns).kind == "labelling"
    with pytest.raises(DataError, match="has nothing that a tagging needs; it may be for"):
        drafted(tmp_path, "tagging", **columns)


def test_a_table_without_numbers_texts_or_labels_is_said_to_say_nothing(tmp_path) -> None:
    with pytest.raises(DataError, match="nothing says what is to be learnt from it"):
        drafted(tmp_path, a=[f"w{row}" for row in range(ROWS)])


def test_people_are_kept_together_and_holes_are_masked(tmp_path) -> None:
    holey = ["" if row % 9 == 1 else value for row, value in enumerate(NOISE)]
    draft = values(
        drafted(tmp_path, person=[f"p{row % 7}" for row in range(ROWS)], a=holey, b=NOISE, label=WORDS)
    )
    assert (draft["group"], draft["missing"]) == ("person", "mask")


def test_a_metric_that_the_commonest_class_does_not_win(tmp_path) -> None:
    rare = ["rare" if row % 20 == 0 else "common" for row in range(ROWS)]
    assert values(drafted(tmp_path, a=NOISE, b=NOISE, label=rare))["metric"] == "macro_f1"
    assert values(drafted(tmp_path, a=NOISE, b=NOISE, label=WORDS))["metric"] == "accuracy"


def of_text(tmp_path: Path, content: str | bytes, name: str = "data.txt") -> Draft:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return draft_of(GivenFiles.of([path], tmp_path))


def test_plain_text_is_a_corpus_unless_labels_come_first_or_columns_hold_tags(tmp_path) -> None:
    assert of_text(tmp_path, "all happy families are alike\n" * 50).kind == "language_model"
    lines = "".join(f"{word} {text}\n" for word, text in zip(WORDS, TEXTS, strict=True))
    assert of_text(tmp_path, lines).kind == "text_classification"
    assert of_text(tmp_path, "we PRON\nrun VERB\n\nyou PRON\nwalk VERB\n\nhi INTJ\n").kind == "tagging"


def test_an_encoding_is_guessed_with_the_byte_that_shows_it(tmp_path) -> None:
    draft = of_text(tmp_path, ("größer als " * 30).encode("latin-1"))
    line = next(line for line in draft.lines if line.key == "encoding")
    assert line.value == "latin-1"
    assert "byte 2 is not UTF-8" in line.reason
    assert values(of_text(tmp_path, ("größer als " * 30).encode("utf-16")))["encoding"] == "utf-16"


def test_fasta_has_a_file_for_each_class(tmp_path) -> None:
    for name in ("with", "without"):
        (tmp_path / f"{name}.fa").write_text(">a\nACGT\n>b\nGGTT\n")
    draft = draft_of(GivenFiles.of(sorted(tmp_path.iterdir()), tmp_path))
    assert values(draft)["classes"] == {"with": "with.fa", "without": "without.fa"}
    with pytest.raises(DataError, match="FASTA, which has no labels; give a file for each class"):
        draft_of(GivenFiles.of([tmp_path / "with.fa"], tmp_path))


@pytest.mark.parametrize(
    ("labels", "kind"),
    [
        (RNG.integers(0, 3, 30), "classification"),
        (RNG.normal(size=30), "regression"),
        (RNG.integers(0, 3, (30, 6)), "labelling"),
    ],
)
def test_arrays_are_told_by_the_shape_of_their_labels(tmp_path, labels, kind) -> None:
    np.savez(tmp_path / "a.npz", x=RNG.normal(size=(30, 6, 2)), y=labels)
    assert draft_of(GivenFiles.of([tmp_path / "a.npz"], tmp_path)).kind == kind


def test_arrays_of_sets_and_parts_are_told_by_their_names(tmp_path) -> None:
    frames = RNG.integers(0, 2, (9, 5, 4))
    np.savez(tmp_path / "a.npz", traindata=frames, validdata=frames, testdata=frames)
    draft = draft_of(GivenFiles.of([tmp_path / "a.npz"], tmp_path))
    assert draft.kind == "multi_label"
    assert values(draft) | {"train": "traindata", "validation": "validdata", "test": "testdata"} == values(
        draft
    )
    np.savez(tmp_path / "b.npz", thing=RNG.normal(size=5))
    with pytest.raises(DataError, match=r"holds 'thing' \(5,\); the sequences should be called x"):
        draft_of(GivenFiles.of([tmp_path / "b.npz"], tmp_path))


@pytest.mark.parametrize(("inputs", "labels"), [(3.0, 1), (3.0, [1, 2]), ([1, 2], 3)])
def test_an_array_of_a_single_value_says_nothing(tmp_path, inputs, labels) -> None:
    np.savez(tmp_path / "a.npz", x=inputs, y=labels)
    with pytest.raises(DataError, match=r"\(\).*the sequences should be called x"):
        draft_of(GivenFiles.of([tmp_path / "a.npz"], tmp_path))


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["a_train.csv", "a_test.csv"], {"path": "a_train.csv", "test_path": "a_test.csv"}),
        (["X_TRAIN.ts", "X_TEST.ts"], {"path": "X_TRAIN.ts", "test_path": "X_TEST.ts"}),
        (["TREC.train.all", "TREC.test.all"], {"path": "TREC.train.all", "test_path": "TREC.test.all"}),
        (["trainData.csv", "valData.csv"], {"path": "trainData.csv", "validation_path": "valData.csv"}),
        (["train/a.csv", "dev/a.csv"], {"path": "train/a.csv", "validation_path": "dev/a.csv"}),
        (["a.csv", "a-test.csv"], {"path": "a.csv", "test_path": "a-test.csv"}),
        (["testimony.csv", "trainer.csv"], {"path": ["testimony.csv", "trainer.csv"]}),
        (["test.csv"], {"path": "test.csv"}),
    ],
)
def test_parts_are_told_by_the_names_of_files(tmp_path, names, expected) -> None:
    given = GivenFiles.of([tmp_path / name for name in names], tmp_path)
    assert {line.key: line.value for line in given.lines()} == expected


def test_json_lines_of_lists_are_tagged_or_labelled(tmp_path) -> None:
    rows = [{"tokens": ["a", f"t{row}"], "ner_tags": ["X", "Y"]} for row in range(30)]
    assert of_text(tmp_path, "\n".join(map(json.dumps, rows)), "a.jsonl").kind == "tagging"
    rows = [{"x": [row, row + 1.5], "label": WORDS[row]} for row in range(30)]
    draft = of_text(tmp_path, "\n".join(map(json.dumps, rows)), "b.jsonl")
    assert (draft.kind, values(draft)["inputs"]) == ("classification", ["x"])


def test_folders_of_sounds_are_classes(tmp_path) -> None:
    for name in ("yes", "no"):
        (tmp_path / "sounds" / name).mkdir(parents=True)
        for number in range(3):
            (tmp_path / "sounds" / name / f"{number}.wav").write_bytes(b"")
    draft = draft_of(GivenFiles.of(sorted(tmp_path.rglob("*.wav")), tmp_path))
    assert (draft.kind, values(draft)["path"]) == ("classification", "sounds")
    (tmp_path / "sounds" / "other").mkdir()
    files = sorted(tmp_path.rglob("*.wav"))
    assert values(draft_of(GivenFiles.of(files, tmp_path)))["path"] == ["sounds/no", "sounds/yes"]
    with pytest.raises(DataError, match="holds sounds without labels; put those of each class into a folder"):
        draft_of(GivenFiles.of(files[:3], tmp_path))


def test_a_table_that_names_sounds_is_a_classification_of_sounds(tmp_path) -> None:
    draft = drafted(tmp_path, file=[f"{row}.wav" for row in range(ROWS)], label=WORDS)
    assert (draft.kind, values(draft)["label"]) == ("classification", "label")
