"""After each symbol of a word the classes say exactly what may follow, and parts differ in length."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from pydantic import ValidationError

from evo_nas.tasks.baselines.fitting import scores
from evo_nas.tasks.formal_language import (
    SEQUENCE_ACCURACY,
    FormalLanguageOptions,
    FormalLanguageTask,
    whole_words,
)
from evo_nas.tasks.languages import LANGUAGES

SMALL = {
    "train": 60,
    "validation": 20,
    "test": 20,
    "train_length": 6,
    "validation_length": 9,
    "test_length": 12,
}


def load(language: str, **options):
    settings = SMALL | {"language": language} | options
    return FormalLanguageTask(FormalLanguageOptions.model_validate(settings)).read()


def lengths_in(sequences):
    """Returns the length of each word with the sign of its start."""
    full = np.full(len(sequences), sequences.inputs.shape[1])
    return full if sequences.lengths is None else sequences.lengths


def words(dataset, part):
    """Yields the symbols of each word and the set that is given to follow each."""
    sequences = dataset.parts[part]
    for row, targets, length in zip(sequences.inputs, sequences.targets, lengths_in(sequences), strict=True):
        symbols = [dataset.vocabulary[number] for number in row[:length]]
        yield symbols, [dataset.classes[number].split() for number in targets[:length]]


def is_counted(letters):
    def is_word(text):
        count = len(text) // len(letters)
        return count > 0 and text == "".join(letter * count for letter in letters)

    return is_word


def is_balanced(text):
    while text != (text := text.replace("()", "").replace("[]", "")):
        pass
    return not text


@pytest.mark.parametrize(
    ("language", "is_word"),
    [
        ("anbn", is_counted("ab")),
        ("anbncn", is_counted("abc")),
        ("dyck1", is_balanced),
        ("dyck2", is_balanced),
    ],
)
def test_a_set_holds_exactly_the_symbols_that_a_word_can_go_on_with(language, is_word) -> None:
    symbols, period = LANGUAGES[language].symbols, LANGUAGES[language].period
    sizes = range(1, 3 * period + 1)
    texts = ["".join(letters) for size in sizes for letters in itertools.product(symbols, repeat=size)]
    all_words = [text for text in texts if is_word(text)]
    checked = 0
    for read, follows in words(load(language, train_length=2 * period).dataset, "train"):
        assert is_word("".join(read[1:]))
        # A word of three periods shows how any beginning of a word of two periods can go on.
        for place, allowed in enumerate(follows):
            before = "".join(read[1 : 1 + place])
            wanted = {word[place] for word in all_words if word.startswith(before) and len(word) > place}
            assert set(allowed) == wanted | ({"$"} if before in all_words else set())
            checked += 1
    assert checked > 60


def test_a_sum_has_the_bits_of_the_sum() -> None:
    for read, bits in words(load("addition").dataset, "test"):
        first, second, total = (
            sum(int(bit) << place for place, bit in enumerate(column))
            for column in (*zip(*read[1:], strict=True), [bit for (bit,) in bits[1:]])
        )
        assert first + second == total


@pytest.mark.parametrize("language", LANGUAGES)
def test_words_of_a_part_are_longer_than_those_of_the_part_before(language) -> None:
    dataset = load(language).dataset
    lengths = [lengths_in(part) - 1 for part in dataset.parts.values()]
    for (shorter, longer), limit in zip(itertools.pairwise(lengths), (6, 9), strict=True):
        assert shorter.max() <= limit < longer.min()
    assert lengths[2].max() <= 12


def test_a_word_counts_if_every_step_of_it_is_right() -> None:
    targets = np.array([0, 1, 2, 0, 1, 0, 2])
    answers = np.array([0, 1, 2, 0, 2, 0, 2])
    outputs = np.eye(3, dtype=np.float32)[answers]
    assert whole_words(outputs, targets).tolist() == [2, 3]
    assert SEQUENCE_ACCURACY.score(outputs, targets) == pytest.approx(2 / 3)


def test_a_model_that_cannot_count_gets_no_long_word_right() -> None:
    baselines = scores(load("anbncn").fit_baselines())
    assert set(baselines) == {"majority", "most frequent after 1 symbol", "most frequent after 3 symbols"}
    assert max(baselines.values()) == 0.0
    steps = scores(load("anbncn", metric="accuracy").fit_baselines())
    assert 0.3 < steps["most frequent after 3 symbols"] < 1.0


@pytest.mark.parametrize("lengths", [(9, 9, 20), (9, 11, 20), (9, 20, 15)])
def test_lengths_that_do_not_rise_are_refused(lengths) -> None:
    names = ("train_length", "validation_length", "test_length")
    with pytest.raises(ValidationError, match="each must be at least 3 more than the one before"):
        FormalLanguageOptions.model_validate(dict(zip(names, lengths, strict=True)))
