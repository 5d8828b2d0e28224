"""Texts as streams of tokens, and what is wrong with files of them."""

from __future__ import annotations

import pytest

from evo_nas.errors import DataError
from evo_nas.tasks.language_model import LanguageModelOptions, LanguageModelTask


def load(**options):
    return LanguageModelTask(LanguageModelOptions.model_validate(options)).read().dataset


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
