"""Tagging: a class for every token of a text, such as its part of speech; ``labelling`` is the same for numbers."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import BeforeValidator, PositiveInt

from evo_nas.data.labelled_parts import LabelledParts, split_examples
from evo_nas.data.options import Character, Encoding
from evo_nas.data.padding import lengths_of, padded
from evo_nas.data.splitting import SplitOptions
from evo_nas.data.statistics import Statistics
from evo_nas.data.token_files import TokenReader, TokenRoles, Tokens
from evo_nas.data.vocabulary import Level, Vocabulary
from evo_nas.errors import DataError
from evo_nas.genome.architecture import Signature
from evo_nas.tasks.answers import ClassAnswers
from evo_nas.tasks.baselines.token_classifiers import tagging_baselines
from evo_nas.tasks.dataset import Sequences
from evo_nas.tasks.labelled import LabelledOptions, labelled_dataset
from evo_nas.tasks.preparation import Preparation
from evo_nas.tasks.raw_inputs import TokenInputs
from evo_nas.tasks.task import Prepared, Task

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Self

    from evo_nas.data.examples import Examples
    from evo_nas.data.layout import TextLayout


def _named(column: object) -> object:
    # `type` and not `isinstance`: true and false are integers in Python, but no numbers of columns.
    return str(column) if type(column) is int else column


Column = Annotated[str, BeforeValidator(_named, json_schema_input_type=str | int)]
"""Name of a column, or its number from 1."""


class TaggingOptions(LabelledOptions):
    """Options of the task ``tagging``.

    Files are JSON lines or Parquet with lists of tokens and tags, CoNLL columns (one token in each line, and a blank
    line after each sequence), or tables with a token in each row, whose ``sequence`` is named. The metric is over all
    tokens but those whose tag is empty or -100.

    Attributes:
        tokens: Column of the tokens, by name, or by number where columns have no names; guessed if not given.
        tags: Column of the tags, likewise; the last one of CoNLL columns.
        sequence: Column of a table with the name of the sentence that a row is a token of; an empty cell means the
            sentence of the row before.
        separator: Line that ends a sentence in CoNLL files, beside blank ones.
        delimiter: Character between CoNLL columns; blanks if not given.
        encoding: Encoding of CoNLL files.
        level: Where tables hold texts instead of lists, what a token of them is: ``word`` or ``blank``, what stands
            between blanks, or ``character``.
        lower: Whether letters are converted to lower case.
        min_count: How often a token must occur in training to be known.
        max_vocabulary: How many tokens there may be.
    """

    tokens: Column | None = None
    tags: Column | None = None
    sequence: Column | None = None
    separator: str | None = None
    delimiter: Character | None = None
    encoding: Encoding = "utf-8"
    level: Level = "word"
    lower: bool = False
    min_count: PositiveInt = 1
    max_vocabulary: PositiveInt = 50_000


class TaggingTask(Task[TaggingOptions]):
    """One class for each token; tokens that the training part does not have are unknown.

    ``tagging`` reads words or other tokens, ``labelling`` numbers; both learn a class for every step.
    """

    kind = "tagging"
    Options = TaggingOptions

    @classmethod
    def sample(cls, folder: Path) -> Self:
        """Returns 60 sequences of 2 to 8 words with their parts of speech."""
        rng = np.random.default_rng(0)
        path = folder / "tags.jsonl"
        kinds = {"wind": "noun", "rain": "noun", "blows": "verb", "falls": "verb", "and": "other"}
        sequences = [rng.choice(list(kinds), rng.integers(2, 9)).tolist() for _ in range(60)]
        lines = [
            json.dumps({"tokens": tokens, "tags": [kinds[token] for token in tokens]}) for tokens in sequences
        ]
        path.write_text("\n".join(lines), encoding="utf-8")
        return cls(TaggingOptions(path=(path,), split=SplitOptions(duplicates="drop")))

    def read(self) -> Prepared:
        """Reads, splits and encodes the sequences; see `Task.read`."""
        options = self.options
        parts, layout = self._parts()
        vocabulary = Vocabulary.fitted(
            map(self._tokens, parts.train.items),
            rarest=options.min_count,
            largest=options.max_vocabulary,
            source=parts.train.source,
            former=self.vocabulary,
        )

        def sequences(examples: Examples[Tokens]) -> Sequences:
            ids = vocabulary.encoded_all(list(map(self._tokens, examples.items)))
            targets = padded(parts.step_targets(examples), np.int64)
            return Sequences(padded(ids, np.int64), targets, lengths_of(ids), parts.scored(examples))

        dataset = labelled_dataset(
            "tagging",
            parts,
            sequences,
            signature=Signature(0, len(parts.classes), vocabulary=len(vocabulary.tokens), per_step=True),
            options=options,
            vocabulary=vocabulary.tokens,
            statistics=Statistics(rarest=options.min_count),
        )
        inputs = TokenInputs(vocabulary.tokens, lower=options.lower, layout=layout)
        dataset = replace(dataset, preparation=Preparation(inputs, ClassAnswers(parts.classes)))
        return Prepared.of(
            dataset,
            parts.by_name,
            lambda both: tagging_baselines(
                both.map(lambda examples: list(map(self._tokens, examples.items))),
                both.map(parts.counted_targets),
                metric=dataset.metric,
                classes=len(parts.classes),
            ),
        )

    def _tokens(self, tokens: Tokens) -> Tokens:
        return tuple(token.lower() for token in tokens) if self.options.lower else tokens

    def _parts(self) -> tuple[LabelledParts[Tokens], TextLayout]:
        options = self.options
        reader = TokenReader(
            TokenRoles(
                tokens=options.tokens,
                tags=options.tags,
                group=options.group,
                sequence=options.sequence,
                separator=options.separator,
                delimiter=options.delimiter,
                encoding=options.encoding,
                level=options.level,
                may_share_names=options.split.duplicates == "keep",
            )
        )
        files = options.examples(reader.read, reader.of_table)
        if len(files["train"]) == 1:
            raise DataError(
                f"{files['train'].source} has a single sequence, of {len(files['train'].items[0]):,} tokens; if other "
                "lines than blank ones end sequences, name them in `separator`"
            )
        return split_examples(files, options.split), reader.layout
