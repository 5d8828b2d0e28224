"""Texts and their classes, and what is wrong with files of them."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from evo_nas.errors import DataError
from evo_nas.tasks.text_classification import TextClassificationTask, TextOptions


def load(**options):
    return TextClassificationTask(TextOptions.model_validate(options)).read().dataset


def test_wrong_encodings_are_named(tmp_path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes("dry caf\xe9\nwet tea\n".encode("latin-1"))
    with pytest.raises(DataError, match="is not utf-8 text at byte 7; give its encoding, such as latin-1"):
        load(path=path)


def test_a_text_without_tokens_is_refused(tmp_path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "a b", "label": "x"}\n{"text": "\\u3000", "label": "y"}\n')
    with pytest.raises(DataError, match="missing|without a token"):
        load(path=path)


def test_a_line_without_a_text_is_refused(tmp_path) -> None:
    (tmp_path / "a.txt").write_text("dry sun\nwet\n")
    with pytest.raises(DataError, match="example 2 is 'wet'; must be a label and a text"):
        load(path=tmp_path / "a.txt")


def test_a_text_needs_one_source(tmp_path) -> None:
    with pytest.raises(ValidationError, match="none of path, classes, huggingface given; give exactly one"):
        load()
