"""Classification of texts, of words or characters; DNA and proteins are texts too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import numpy as np
from pydantic import AfterValidator, Field, PositiveInt

from evo_nas.errors import DataError
from evo_nas.genome.architecture import Signature
from evo_nas.tasks.examples import Examples, LabelledParts, split_examples
from evo_nas.tasks.metrics import CLASSIFICATION, ClassificationMetric
from evo_nas.tasks.opponents import text_baselines
from evo_nas.tasks.options import Character
from evo_nas.tasks.padding import lengths_of, padded
from evo_nas.tasks.paths import DataPaths, expanded
from evo_nas.tasks.sources import SourceOptions
from evo_nas.tasks.splitting import SplitOptions
from evo_nas.tasks.task import Dataset, Sequences, Task
from evo_nas.tasks.text_files import TextRoles, read_texts, texts_of
from evo_nas.tasks.vocabulary import Level, Vocabulary, tokenized

if TYPE_CHECKING:
    from pathlib import Path


def _two_or_more(classes: dict[str, tuple[Path, ...]]) -> dict[str, tuple[Path, ...]]:
    if len(classes) < 2:
        raise ValueError("must name the files of two classes or more")
    return classes


class TextOptions(SourceOptions):
    """Options of the task ``text_classification``.

    Files are tables, or plain text with a label and a text a line.

    Attributes:
        classes: A file, or several, for each class: FASTA, or plain text with a text a line.
        text: Column of the text, guessed if not given.
        label: Column of the class, guessed if not given.
        group: Column of what must stay together in a split.
        delimiter: What separates columns, or the label from the text of a line.
        encoding: Encoding of plain text.
        level: What a token is: ``word`` or ``character``.
        lower: Whether letters are made small.
        min_count: How often a token must occur in training to be known.
        max_vocabulary: How many tokens there may be.
        max_length: Tokens of a text that are read; the rest is cut off.
        split: Which texts decide and which are reported.
        class_weights: ``balanced`` lets rare classes count as much as frequent ones in training.
        metric: What search optimises.
    """

    SOURCES: ClassVar[tuple[str, ...]] = ("path", "classes", "huggingface")

    classes: Annotated[dict[str, DataPaths], AfterValidator(_two_or_more)] | None = Field(
        default=None, examples=[{"up": "up.txt", "down": "down.txt"}]
    )
    text: str | None = None
    label: str | None = None
    group: str | None = None
    delimiter: Character | None = None
    encoding: str = "utf-8"
    level: Level = "word"
    lower: bool = False
    min_count: PositiveInt = 1
    max_vocabulary: PositiveInt = 50_000
    max_length: PositiveInt = 1000
    split: SplitOptions = SplitOptions()
    class_weights: Literal["none", "balanced"] = "none"
    metric: ClassificationMetric = "accuracy"

    def files_by_part(self) -> dict[str, list[Path]]:
        """Returns the files of each part that has some, those of all classes as ``train``."""
        files = super().files_by_part()
        if self.classes is not None:
            return {"train": [file for given in self.classes.values() for file in expanded(given)]} | files
        return files


class TextClassificationTask(Task):
    """One class a text; what a token is comes from the training part alone, the rest is unknown."""

    kind = "text_classification"
    Options = TextOptions

    def __init__(self, options: TextOptions) -> None:
        self._options = options

    def files(self) -> list[Path]:
        """Returns the files of all parts; a data set of the hub has none."""
        return self._options.files()

    def load(self) -> Dataset:
        """Reads, splits and encodes the texts; see `Task.load`."""
        options, parts = self._options, self._read()
        vocabulary = Vocabulary.fitted(
            map(self._tokens, parts.train.items),
            rarest=options.min_count,
            largest=options.max_vocabulary,
            source=parts.train.source,
        )

        def sequences(examples: Examples[str]) -> Sequences:
            ids = vocabulary.encoded_all(
                [self._tokens(text)[: options.max_length] for text in examples.items]
            )
            return Sequences(padded(ids, np.int64), parts.targets(examples), lengths_of(ids))

        return parts.dataset(
            "text classification",
            sequences,
            signature=Signature(0, len(parts.classes), vocabulary=len(vocabulary.tokens)),
            options=options,
            vocabulary=vocabulary.tokens,
        )

    def baselines(self) -> dict[str, float]:
        """Returns the test metric of the most frequent class, and of a logistic regression on bags of n-grams."""
        parts = self._read()
        return text_baselines(
            [list(parts.learnt.items), list(parts.test.items)],
            [parts.targets(parts.learnt), parts.targets(parts.test)],
            level=self._options.level,
            metric=CLASSIFICATION[self._options.metric],
            classes=len(parts.classes),
        )

    def _tokens(self, text: str) -> str | list[str]:
        tokens = tokenized(text.lower() if self._options.lower else text, self._options.level)
        return tokens if isinstance(tokens, str) else list(tokens)

    def _read(self) -> LabelledParts[str]:
        files = self._examples()
        for examples in files.values():
            for number, text in enumerate(examples.items, start=1):
                if not self._tokens(text):
                    raise DataError(f"{examples.source}: text {number} is {text!r}, without a token; drop it")
        return split_examples(files, self._options.split)

    def _examples(self) -> dict[str, Examples[str]]:
        options = self._options
        roles = TextRoles(options.text, options.label, options.group, options.delimiter, options.encoding)
        class_of = {
            file: label for label, given in (options.classes or {}).items() for file in expanded(given)
        }
        return options.examples(
            lambda file: read_texts(file, roles, label=class_of.get(file)),
            lambda table: texts_of(table, roles),
        )
