"""A class for every token, and what the neighbours of a token add."""

from __future__ import annotations

import json

import numpy as np
import pytest

from evo_nas.config import checked
from evo_nas.errors import ConfigError, DataError
from evo_nas.tasks.baselines.fitting import scores
from evo_nas.tasks.registry import TASKS
from evo_nas.tasks.tagging import TaggingOptions, TaggingTask


@pytest.fixture
def corpus(tmp_path):
    """Forty sequences, the last eight of which are the test part and know the word ``zeppelin``."""
    path = tmp_path / "corpus.conll"
    blocks = [f"word{n} NOUN\nRuns VERB" for n in range(39)] + ["zeppelin NOUN\nRuns VERB\nfast ADV"]
    blocks[0] += "\nfast ADV"
    path.write_text("\n\n".join(blocks))
    return path


def task(path, **options) -> TaggingTask:
    return TaggingTask(checked(TaggingOptions, {"path": str(path), "split": {"by": "time"}, **options}))


def test_tokens_of_the_test_part_alone_are_unknown(corpus) -> None:
    dataset = task(corpus).read().dataset
    assert "zeppelin" not in dataset.vocabulary
    assert dataset.test.inputs[-1].tolist() == [
        0,
        dataset.vocabulary.index("Runs"),
        dataset.vocabulary.index("fast"),
    ]
    assert [dataset.classes[tag] for tag in dataset.test.targets[-1]] == ["NOUN", "VERB", "ADV"]
    assert dataset.test.lengths.tolist() == [2] * 7 + [3]
    assert "runs" in task(corpus, lower=True).read().dataset.vocabulary


def test_rare_tags_can_be_weighted(corpus) -> None:
    weights = task(corpus, class_weights="balanced").read().dataset.class_weights
    assert weights[0] == pytest.approx(28 * weights[1], rel=1e-3)  # ADV and NOUN


def test_neighbours_decide_where_a_token_is_ambiguous(tmp_path) -> None:
    signs = np.random.default_rng(0).integers(2, size=120)
    blocks = [f"{'+-'[sign]} S\nx {'PM'[sign]}" for sign in signs]
    (tmp_path / "a.conll").write_text("\n\n".join(blocks))
    baselines = scores(
        task(tmp_path / "a.conll", split={"by": "time", "duplicates": "keep"}).read().fit_baselines()
    )
    assert baselines["majority"] == 0.5
    assert 0.6 < baselines["most frequent tag of each token"] < 0.9
    assert baselines["logistic regression on 3 tokens"] == 1.0


def test_a_tag_that_training_lacks_is_refused(corpus) -> None:
    corpus.write_text(corpus.read_text().replace("\nfast ADV", "", 1))
    with pytest.raises(DataError, match="class 'ADV' is in the test part, but not in the training part"):
        task(corpus).read()


def test_the_number_of_a_column_is_a_number_in_yaml() -> None:
    assert checked(TaggingOptions, {"path": "a.conll", "tags": 4}).tags == "4"
    with pytest.raises(ConfigError, match="task.tags is true; must be text"):
        checked(TaggingOptions, {"path": "a.conll", "tags": True}, at="task")


@pytest.mark.parametrize("padding", ["-100", ""])
def test_a_token_without_a_tag_is_read_but_not_scored_nor_learnt_by_a_baseline(padding, tmp_path) -> None:
    rows = [
        {"tokens": [f"w{n}", "the", "end"], "tags": ["N", padding, "V"] if n % 3 else ["N", padding, padding]}
        for n in range(60)
    ]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)))
    prepared = task(tmp_path / "a.jsonl", class_weights="balanced").read()
    dataset = prepared.dataset
    assert dataset.classes == ("N", "V")
    assert not dataset.test.scored[:, 1].any()
    assert dataset.test.scored[:, 0].all()
    assert dataset.test.lengths is None
    assert dataset.class_weights[1] == pytest.approx(1.5 * dataset.class_weights[0], rel=0.05)
    assert "80 steps were not scored, since their label is -100 or empty" in dataset.remarks
    fitted = scores(prepared.fit_baselines())
    assert fitted["most frequent tag of each token"] == 1.0
    assert fitted["majority"] == pytest.approx(12 / 20)


def test_a_file_that_seems_to_be_one_sentence_is_refused_with_what_to_do(tmp_path) -> None:
    (tmp_path / "a.conll").write_text("\n".join("the D\nsun N\nEOS EOS" for _ in range(40)))
    with pytest.raises(DataError, match="has a single sequence, of 120 tokens; .*name them in `separator`"):
        task(tmp_path / "a.conll").read()
    (tmp_path / "a.conll").write_text("\n".join(f"the D\nsun{n} N\nEOS" for n in range(40)))
    dataset = task(tmp_path / "a.conll", separator="EOS").read().dataset
    assert dataset.classes == ("D", "N")
    assert sum(map(len, dataset.parts.values())) == 40


@pytest.mark.parametrize(
    ("kind", "name", "content", "other"),
    [
        ("labelling", "a.jsonl", '{"tokens": ["a", "b"], "label": ["X", "Y"]}', "tagging"),
        ("labelling", "a.csv", "id,word,label\n1,a,X\n1,b,Y\n", "tagging"),
        ("tagging", "a.jsonl", '{"tokens": [0.5, 1.5], "tags": ["X", "Y"]}', "labelling"),
        ("classification", "a.csv", "id,word,label\nx,a,X\ny,b,Y\n", "text_classification"),
    ],
)
def test_data_of_another_task_are_sent_there(kind, name, content, other, tmp_path) -> None:
    (tmp_path / name).write_text(content)
    options = {"path": tmp_path / name} | (
        {"sequence": "id"} if name == "a.csv" and kind == "labelling" else {}
    )
    with pytest.raises(DataError, match=f"choose the task {other}"):
        TASKS[kind](TASKS[kind].Options.model_validate(options)).read()


def test_a_missing_tag_is_not_scored(tmp_path) -> None:
    rows = [{"tokens": [f"w{n}", "end"], "tags": ["NV"[n % 2], None if n % 3 else "V"]} for n in range(60)]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)))
    dataset = task(tmp_path / "a.jsonl").read().dataset
    assert dataset.classes == ("N", "V")
    assert dataset.test.scored.sum() < dataset.test.scored.size
