"""Texts and their classes, and what is wrong with files of them."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from evo_nas.errors import DataError
from evo_nas.tasks.text_classification import TextClassificationTask, TextOptions


def load(**options):
    return TextClassificationTask(TextOptions.model_validate(options)).read().dataset


@pytest.fixture
def weather(tmp_path):
    """Forty texts about dry and wet weather; the last one knows a word of its own."""
    path = tmp_path / "weather.txt"
    lines = [f"{'wet' if n % 2 else 'dry'} Cloud {n}" for n in range(39)]
    path.write_text("\n".join([*lines, "wet Zeppelin"]))
    return path


def test_words_are_tokens_and_classes_are_sorted(weather) -> None:
    dataset = load(path=weather, split={"by": "time"})
    assert dataset.classes == ("dry", "wet")
    assert [dataset.vocabulary[token] for token in dataset.train.inputs[3]] == ["Cloud", "3"]
    assert dataset.train.targets[:4].tolist() == [0, 1, 0, 1]
    assert not dataset.signature.per_step


def test_small_letters_and_characters_can_be_chosen(weather) -> None:
    dataset = load(path=weather, split={"by": "time"}, lower=True, level="character", max_length=5)
    assert "".join(dataset.vocabulary[token] for token in dataset.train.inputs[0]) == "cloud"


def test_a_file_for_each_class_is_a_label(tmp_path) -> None:
    for label in ("up", "down"):
        (tmp_path / f"{label}.fa").write_text(
            "".join(f">{n}\n{label.upper()}{'ACGT'[n % 4] * n}\n" for n in range(20))
        )
    classes = {label: [tmp_path / f"{label}.fa"] for label in ("up", "down")}
    dataset = load(classes=classes, level="character")
    assert dataset.classes == ("down", "up")
    assert sum(map(len, dataset.parts.values())) == 40


def test_files_of_one_class_are_refused(tmp_path) -> None:
    with pytest.raises(ValidationError, match="must name the files of two classes or more"):
        load(classes={"up": tmp_path / "up.fa"})


def test_rare_words_are_unknown(weather) -> None:
    dataset = load(path=weather, split={"by": "time"}, min_count=2)
    assert dataset.vocabulary == ("\ufffd", "Cloud")
    assert dataset.test.inputs[0].tolist() == [1, 0]


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
    with pytest.raises(DataError, match="line 2 is 'wet'; must be a label and a text"):
        load(path=tmp_path / "a.txt")


def test_a_text_needs_one_source(tmp_path) -> None:
    with pytest.raises(ValidationError, match="none of path, classes, huggingface given; give exactly one"):
        load()


def test_what_a_longest_length_cuts_off_is_counted(weather) -> None:
    weather.write_text(
        "\n".join(f"{'wet' if n % 2 else 'dry'} a b c{' d e' * (n % 4 == 0)} {n}" for n in range(40))
    )
    dataset = load(path=weather, max_length=4)
    assert (
        "10 texts were cut to the first 4 tokens, max_length; 20 of 180 tokens are not read"
        in dataset.remarks
    )
    assert dataset.train.inputs.shape[1] == 4
    assert not any("max_length" in remark for remark in load(path=weather, max_length=6).remarks)


def test_tokens_that_are_split_already_stay_as_they_are(weather) -> None:
    weather.write_text("\n".join(f"{'wet' if n % 2 else 'dry'} don't </s> U.S. {n}" for n in range(40)))
    assert {"don't", "</s>", "U.S."} <= set(load(path=weather, level="blank").vocabulary)
    assert "don't" not in load(path=weather).vocabulary


def test_a_text_without_a_token_is_named_by_its_line(weather) -> None:
    weather.write_text(weather.read_text() + "\n\nwet \u00a0")
    with pytest.raises(DataError, match=r"weather.txt, line 42 is "):
        load(path=weather)


def test_columns_of_a_test_file_are_found_by_their_names(tmp_path) -> None:
    rows = [f"{n},{'wet' if n % 2 else 'dry'},the cloud {n}" for n in range(40)]
    (tmp_path / "train.csv").write_text("\n".join(["id,sort,words", *rows]))
    (tmp_path / "test.csv").write_text("words,note,sort\na new cloud,a very long note that is no text,wet\n")
    dataset = load(path=tmp_path / "train.csv", test_path=tmp_path / "test.csv")
    assert dataset.vocabulary[dataset.test.inputs[0, -1]] == "cloud"
    assert any("test.csv also has note, not read" in remark for remark in dataset.remarks)
    (tmp_path / "test.csv").write_text("text,sort\na new cloud,wet\n")
    with pytest.raises(DataError, match="test.csv has no column 'words'"):
        load(path=tmp_path / "train.csv", test_path=tmp_path / "test.csv")
