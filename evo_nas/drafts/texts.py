"""Drafts for texts: plain text, FASTA, CoNLL columns, and tables with a column of text or lists of tokens."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from evo_nas.data.files import content_of
from evo_nas.data.guesses import are_words
from evo_nas.data.token_files import TAGS, TOKENS
from evo_nas.drafts.draft import LIKELY, SURE, Draft, Line
from evo_nas.drafts.labelled import metric_line, remedies, split_lines
from evo_nas.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from evo_nas.drafts.look import TableLook
    from evo_nas.drafts.parts import GivenFiles

FEWEST_WORDS = 3
"""Words of a text on average, for a column to hold texts."""
LONG_WORD = 20
"""Letters from which a single word is a text itself, such as DNA."""
MOST_CLASSES = 50
FEWEST_LINES = 5
"""Lines of each class on average, for the first words of lines to be labels."""
MANY_TEXTS = 2000
MUCH_TEXT = 5_000_000
"""Characters from which words are better tokens than characters."""


def text_table(look: TableLook) -> Draft | None:
    """Returns the draft of a class for each text; None if no column holds texts, or none the label."""
    if look.text is None or look.label is None or look.text == look.label:
        return None
    texts = look.table.texts(look.text, empty=True)
    words = float(np.mean([len(text.split()) for text in texts]))
    if words < FEWEST_WORDS and np.mean([len(text) for text in texts]) < LONG_WORD:
        return None
    labels = look.table.texts(look.label, empty=True)
    return _classes(
        look.files,
        f"column {look.text} holds texts, and column {look.label} has {len(set(labels))} classes",
        (Line("text", look.text, f"about {words:.0f} words each"), Line("label", look.label)),
        texts,
        labels,
    )


def tagged_table(look: TableLook) -> Draft | None:
    """Returns the draft of a class for each token; None if names and lists do not tell tokens and tags."""
    names = {name.lower(): name for name in look.table.columns}
    tokens, tags = (
        [names[name] for group in groups for name in group if name in names] for groups in (TOKENS, TAGS)
    )
    tags = [name for name in tags if name not in tokens[:1]]
    if not tokens or not tags:
        return None
    columns: tuple[Line, ...] = (
        Line("tokens", tokens[0], "its name says so"),
        Line("tags", tags[0], "its name says so"),
    )
    if {tokens[0], tags[0]} <= set(look.lists):
        reason, count = f"{tokens[0]} and {tags[0]} hold a list in every row", len(look)
    else:
        sentence = next((name for name in look.table.columns if name.lower().startswith("sentence")), None)
        if sentence in (None, tokens[0]) or not are_words(look.table, tokens[0]):
            return None
        reason = f"every row is a token, {tokens[0]}, with a tag, {tags[0]}"
        count = len(look.counts(str(sentence)))
        columns = (Line("sequence", sentence, f"it names {count:,} sentences"), *columns)
    return _tagging(look.files, reason, columns, count)


def plain_text(files: GivenFiles) -> list[Draft]:
    """Returns what a text file may be meant for: a corpus, lines with a label first, or tokens in columns."""
    text, encoding = _decoded(files.train[0])
    drafts = [_conll(files, text, encoding), _labelled_lines(files, text, encoding)]
    return [draft for draft in (*drafts, _corpus(files, text, encoding)) if draft is not None]


def class_files(files: GivenFiles, *, level: str) -> Draft | None:
    """Returns the draft of a file for each class; None unless there are several."""
    if len(files.train) < 2 or len(files.by_key) > 1:
        return None
    texts = {_class_name(path, files.train): _decoded(path)[0] for path in files.train}
    mark = "\n>" if level == "character" else "\n"
    sizes = {name: text.strip().count(mark) + 1 for name, text in texts.items()}
    classes = {_class_name(path, files.train): files.written(path) for path in files.train}
    count = sum(sizes.values())
    labels = [name for name, size in sizes.items() for _ in range(size)]
    lines = (
        Line("classes", classes, "a file for each class, by the names of the files"),
        Line("level", level, "every letter is a token" if level == "character" else ""),
        metric_line(labels),
        *split_lines(files, count),
    )
    reason = f"there is a file for each class, {count:,} texts in all"
    return Draft("text_classification", SURE, reason, lines, count, 100, remedies(files, count))


def _classes(
    files: GivenFiles, reason: str, columns: Sequence[Line], texts: Sequence[str], labels: Sequence[str]
) -> Draft:
    count = len(texts) * len(files.train)
    is_words = np.mean([len(text.split()) for text in texts[:1000]]) >= FEWEST_WORDS
    level = Line("level", "word", "or: character, blank (tokens between blanks, as they are)")
    if not is_words:
        level = Line("level", "character", "the texts are single words: every letter is a token")
    tokens = [level]
    if is_words:
        tokens.append(Line("lower", value=True, reason="capitals seldom matter to what a text is about"))
        if count >= MANY_TEXTS:
            tokens.append(Line("min_count", 2, "a word that is there once teaches nothing"))
    lines = (*files.lines(), *columns, *tokens, metric_line(labels), *split_lines(files, count))
    return Draft("text_classification", SURE, reason, lines, count, 30, remedies(files, count))


def _tagging(files: GivenFiles, reason: str, columns: Sequence[Line], count: int) -> Draft:
    metric = Line("metric", "accuracy", "over all tokens; or macro_f1, where the commonest tag is no news")
    lines = (*files.lines(), *columns, metric, *split_lines(files, count))
    return Draft("tagging", SURE, reason, lines, count, 20, remedies(files, count))


def _conll(files: GivenFiles, text: str, encoding: Sequence[Line]) -> Draft | None:
    lines = [line for line in text.split("\n") if not line.startswith(("#", "-DOCSTART-"))]
    widths = Counter(len(line.split()) for line in lines if line.strip())
    blank = sum(1 for before, line in pairwise(lines) if before.strip() and not line.strip())
    if len(widths) != 1 or not 2 <= next(iter(widths)) <= 10 or blank < 2:
        return None
    width = next(iter(widths))
    reason = f"every line has {width} columns, a token first and its tag last, and blank lines end sentences"
    return _tagging(files, reason, encoding, blank + 1)


def _labelled_lines(files: GivenFiles, text: str, encoding: Sequence[Line]) -> Draft | None:
    pairs = [line.split(None, 1) for line in text.split("\n") if line.strip()]
    labels = Counter(pair[0] for pair in pairs)
    is_labelled = all(len(pair) == 2 for pair in pairs) and 2 <= len(labels) <= MOST_CLASSES
    if not is_labelled or len(pairs) < FEWEST_LINES * len(labels):
        return None
    reason = f"the first words of all {len(pairs):,} lines are {len(labels)} classes, such as {pairs[0][0]}"
    return _classes(files, reason, encoding, [pair[1] for pair in pairs], [pair[0] for pair in pairs])


def _corpus(files: GivenFiles, text: str, encoding: Sequence[Line]) -> Draft:
    level = "word" if len(text) > MUCH_TEXT else "character"
    tokens = len(text.split()) if level == "word" else len(text)
    steps = max(min(64, tokens // 20), 1)
    lines = (
        *files.lines(),
        *encoding,
        Line("level", level, f"{len(text):,} characters; or: {'character' if level == 'word' else 'word'}"),
        Line(
            "steps",
            steps,
            "tokens through which gradients are followed back; states are carried on beyond them",
        ),
        Line("metric", "nll", "nats per token; or: bits_per_character, perplexity"),
        Line("split", [0.8, 0.1, 0.1], "training, validation and test in the order of the text"),
    )
    return Draft("language_model", LIKELY, "the file is running text", lines, max(tokens // steps, 1), steps)


def _decoded(path: Path) -> tuple[str, tuple[Line, ...]]:
    """Returns the text of a file, and the line for its encoding if it is not UTF-8."""
    content = content_of(path)
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", "replace"), (Line("encoding", "utf-16", "its first bytes say so"),)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        reason = f"byte {error.start:,} is not UTF-8: a guess; or: cp1252, cp1251, shift_jis"
        return content.decode("latin-1"), (Line("encoding", "latin-1", reason),)
    if not text.strip():
        raise DataError(f"{path} is empty; must hold text")
    return text, ()


def _class_name(path: Path, others: Sequence[Path]) -> str:
    """Returns the name of a file as that of its class; with the folder where two files have one name."""
    stem = path.name.split(".", 1)[0]
    twice = sum(each.name.split(".", 1)[0] == stem for each in others) > 1
    return f"{path.parent.name}/{stem}" if twice else stem
