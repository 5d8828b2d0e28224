"""Texts of any script become words that stay whole."""

from __future__ import annotations

import pytest

from evo_nas.data.vocabulary import tokenized

WORDS = {
    "Hindi": "हिन्दी भाषा में लिखी",
    "Tamil": "தமிழ் மொழி",
    "Thai": "ภาษาไทย เขียนติดกัน",
    "Arabic with vowels": "كَتَبَ الوَلَدُ",
    "Hebrew with points": "שָׁלוֹם עוֹלָם",
    "Persian with a joint": "می‌خواهم کتاب‌ها",  # noqa: RUF001 - no other letters are meant
    "Vietnamese": "Tiếng Việt",
    "Yoruba without composed letters": "ẹ̀kọ́ ọ̀rọ̀",
    "Burmese": "မြန်မာ စာ",
}


@pytest.mark.parametrize("text", WORDS.values(), ids=WORDS)
def test_a_word_of_any_script_stays_whole(text) -> None:
    assert list(tokenized(text, "word")) == text.split()


@pytest.mark.parametrize("level", ["character", "word", "blank"])
def test_an_accent_is_the_same_however_it_was_typed(level) -> None:
    assert list(tokenized("cafe\u0301 u\u0308ber", level)) == list(tokenized("caf\u00e9 \u00fcber", level))


def test_marks_and_line_ends_are_words_of_their_own() -> None:
    assert list(tokenized("don't stop,\nplease ❤️!", "word")) == [
        *("don", "'", "t", "stop", ",", "\n", "please", "❤️", "!"),
    ]


def test_tokens_between_blanks_are_kept_as_they_are() -> None:
    text = "<s> U.S. don't\t1,000\u00a0km </s>\r\n<unk> @-@ x\n"
    assert list(tokenized(text, "blank")) == [
        *("<s>", "U.S.", "don't", "1,000\u00a0km", "</s>", "\n", "<unk>", "@-@", "x", "\n"),
    ]
