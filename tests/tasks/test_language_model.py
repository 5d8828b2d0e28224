"""Texts as streams of tokens, and what is wrong with files of them."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from evo_nas.errors import DataError
from evo_nas.tasks.baselines.fitting import scores
from evo_nas.tasks.language_model import LanguageModelOptions, LanguageModelTask


def load(**options):
    return LanguageModelTask(LanguageModelOptions.model_validate(options)).read().dataset


def spelt(dataset, part: str) -> str:
    return "".join(dataset.vocabulary[token] for token in dataset.parts[part].tokens)


def test_shares_follow_the_order_of_the_text(tmp_path) -> None:
    (tmp_path / "a.txt").write_text("abcdefghij" * 20)
    dataset = load(path=tmp_path / "a.txt", steps=8, split=[0.5, 0.25, 0.25])
    assert [len(spelt(dataset, part)) for part in dataset.parts] == [100, 50, 50]
    assert (
        spelt(dataset, "train") + spelt(dataset, "validation") + spelt(dataset, "test") == "abcdefghij" * 20
    )


def test_files_of_a_part_leave_its_share_to_training(tmp_path) -> None:
    (tmp_path / "a.txt").write_text("ab" * 50)
    (tmp_path / "b.txt").write_text("ba" * 20)
    dataset = load(path=tmp_path / "a.txt", test_path=tmp_path / "b.txt", steps=8, split=[0.6, 0.2, 0.2])
    assert [len(spelt(dataset, part)) for part in dataset.parts] == [80, 20, 40]
    assert spelt(dataset, "test") == "ba" * 20


def test_how_a_table_of_texts_was_read_is_said(tmp_path) -> None:
    rows = "".join(f"{row};line {row}\n" for row in range(30))
    (tmp_path / "a.csv").write_text(f"id;text\n\n{rows}")
    remarks = load(path=tmp_path / "a.csv", steps=8).remarks
    assert "a.csv: columns are separated by ';'" in remarks
    assert "a.csv: 1 blank lines are not read, the first is row 2" in remarks


def test_networks_predict_the_tokens_that_they_read(tmp_path) -> None:
    dataset = LanguageModelTask.sample(tmp_path).read().dataset
    assert dataset.signature.predicts_inputs
    assert dataset.signature.outputs == dataset.signature.vocabulary == len(dataset.vocabulary)
    assert dataset.causal


def test_longer_n_grams_predict_a_repeated_sentence_better(tmp_path) -> None:
    prepared = LanguageModelTask.sample(tmp_path).read()
    baselines = scores(prepared.fit_baselines())
    assert baselines["6-grams"] < 0.2 * baselines["1-grams"]
    assert baselines["1-grams"] < np.log(len(prepared.dataset.vocabulary))


def test_bits_per_character_need_characters() -> None:
    with pytest.raises(ValidationError, match="level is word; choose perplexity or nll"):
        load(path="a.txt", level="word", metric="bits_per_character")


def test_an_empty_text_is_refused(tmp_path) -> None:
    (tmp_path / "a.txt").write_text("\n\n")
    with pytest.raises(DataError, match="is empty; must hold text"):
        load(path=tmp_path / "a.txt")


def test_a_text_shorter_than_its_pieces_is_refused(tmp_path) -> None:
    (tmp_path / "a.txt").write_text("some few words")
    with pytest.raises(DataError, match=r"part of the text has \d+ tokens; steps is 64"):
        load(path=tmp_path / "a.txt")


def test_a_vocabulary_beyond_its_limit_is_refused(tmp_path) -> None:
    (tmp_path / "a.txt").write_text(" ".join(f"word{number}" for number in range(2000)))
    with pytest.raises(
        DataError, match=r"1,600 different tokens .* max_vocabulary is 100: raise it, raise min_count"
    ):
        load(path=tmp_path / "a.txt", level="word", max_vocabulary=100)
