"""Tagging: a class for every token of a text, such as its part of speech or the entity that it names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import BeforeValidator, PositiveInt

from evo_nas.genome.architecture import Signature
from evo_nas.tasks.examples import Examples, LabelledParts, split_examples
from evo_nas.tasks.metrics import CLASSIFICATION, ClassificationMetric
from evo_nas.tasks.opponents import tagging_baselines
from evo_nas.tasks.options import Character
from evo_nas.tasks.padding import lengths_of, padded
from evo_nas.tasks.sources import SourceOptions
from evo_nas.tasks.splitting import SplitOptions
from evo_nas.tasks.task import Dataset, Sequences, Task
from evo_nas.tasks.token_files import TokenRoles, Tokens, read_tokens, tagged
from evo_nas.tasks.vocabulary import Level, Vocabulary

if TYPE_CHECKING:
    from pathlib import Path


def _named(column: object) -> object:
    return str(column) if type(column) is int else column


Column = Annotated[str, BeforeValidator(_named)]
"""Name of a column, or its number from 1."""


class TaggingOptions(SourceOptions):
    """Options of the task ``tagging``.

    Files are JSON lines or Parquet with lists of tokens and tags, or CoNLL columns: a token a line, and a blank line
    after each sequence.

    Attributes:
        tokens: Column of the tokens, by name, or by number where columns have none; guessed if not given.
        tags: Column of the tags, by name or number likewise; if not given, the last of CoNLL columns.
        group: Column of what must stay together in a split.
        delimiter: What separates CoNLL columns; blanks if not given.
        encoding: Encoding of CoNLL files.
        level: Where tables hold texts instead of lists, what these are made of: ``word`` or ``character``.
        lower: Whether letters are made small.
        min_count: How often a token must occur in training to be known.
        max_vocabulary: How many tokens there may be.
        split: Which sequences decide and which are reported.
        class_weights: ``balanced`` lets rare tags count as much as frequent ones in training.
        metric: What search optimises, over all tokens.
    """

    tokens: Column | None = None
    tags: Column | None = None
    group: str | None = None
    delimiter: Character | None = None
    encoding: str = "utf-8"
    level: Level = "word"
    lower: bool = False
    min_count: PositiveInt = 1
    max_vocabulary: PositiveInt = 50_000
    split: SplitOptions = SplitOptions()
    class_weights: Literal["none", "balanced"] = "none"
    metric: ClassificationMetric = "accuracy"


class TaggingTask(Task):
    """One class a token; what a token is comes from the training part alone, the rest is unknown."""

    kind = "tagging"
    Options = TaggingOptions

    def __init__(self, options: TaggingOptions) -> None:
        self._options = options

    def files(self) -> list[Path]:
        """Returns the files of all parts; a data set of the hub has none."""
        return self._options.files()

    def load(self) -> Dataset:
        """Reads, splits and encodes the sequences; see `Task.load`."""
        options, parts = self._options, self._read()
        vocabulary = Vocabulary.fitted(
            map(self._tokens, parts.train.items),
            rarest=options.min_count,
            largest=options.max_vocabulary,
            source=parts.train.source,
        )

        def sequences(examples: Examples[Tokens]) -> Sequences:
            ids = vocabulary.encoded_all(list(map(self._tokens, examples.items)))
            return Sequences(
                padded(ids, np.int64), padded(parts.step_targets(examples), np.int64), lengths_of(ids)
            )

        return parts.dataset(
            "tagging",
            sequences,
            signature=Signature(0, len(parts.classes), vocabulary=len(vocabulary.tokens), per_step=True),
            options=options,
            vocabulary=vocabulary.tokens,
        )

    def baselines(self) -> dict[str, float]:
        """Returns the test metric of opponents that see a token and its neighbours; see `tagging_baselines`."""
        parts = self._read()
        learnt, test = parts.learnt, parts.test
        return tagging_baselines(
            [list(map(self._tokens, each.items)) for each in (learnt, test)],
            [np.concatenate(parts.step_targets(each)) for each in (learnt, test)],
            metric=CLASSIFICATION[self._options.metric],
            classes=len(parts.classes),
        )

    def _tokens(self, tokens: Tokens) -> Tokens:
        return tuple(token.lower() for token in tokens) if self._options.lower else tokens

    def _read(self) -> LabelledParts[Tokens]:
        options = self._options
        roles = TokenRoles(
            options.tokens, options.tags, options.group, options.delimiter, options.encoding, options.level
        )
        files = options.examples(lambda path: read_tokens(path, roles), lambda table: tagged(table, roles))
        return split_examples(files, options.split)
