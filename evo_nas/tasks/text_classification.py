"""Classification of texts, as words or as characters; DNA and proteins are texts too."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, ClassVar

import numpy as np
from pydantic import AfterValidator, Field, PositiveInt

from evo_nas.data.labelled_parts import LabelledParts, split_examples
from evo_nas.data.options import Character, Encoding
from evo_nas.data.padding import lengths_of, padded
from evo_nas.data.paths import DataPaths, expanded
from evo_nas.data.split_remarks import counted
from evo_nas.data.statistics import Statistics
from evo_nas.data.text_files import TextReader, TextRoles
from evo_nas.data.vocabulary import Level, Vocabulary, tokenized
from evo_nas.errors import DataError
from evo_nas.genome.architecture import Signature
from evo_nas.tasks.answers import ClassAnswers
from evo_nas.tasks.baselines.token_classifiers import text_baselines
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


def _two_or_more(classes: dict[str, tuple[Path, ...]]) -> dict[str, tuple[Path, ...]]:
    if len(classes) < 2:
        raise ValueError("must name the files of two classes or more")
    return classes


class TextOptions(LabelledOptions):
    """Options of the task ``text_classification``.

    Files are tables, or plain text with a label and a text in each line.

    Attributes:
        classes: One file or several for each class: FASTA, or plain text with a text in each line.
        text: Column of the text; guessed by its name, or the column with by far the longest texts.
        label: Column of the class; guessed by its name, or the only likely one.
        delimiter: Character between columns, or between the label and the text of a line.
        encoding: Encoding of plain text.
        level: What a token is: ``word`` (a word or a mark between words), ``character``, or ``blank``, what stands
            between blanks in texts whose tokens are split already.
        lower: Whether letters are converted to lower case.
        min_count: How often a token must occur in training to be known.
        max_vocabulary: How many tokens there may be.
        max_length: Number of tokens of a text that are read; the rest is cut off and counted.
    """

    SOURCES: ClassVar[tuple[str, ...]] = ("path", "classes", "huggingface")

    classes: Annotated[dict[str, DataPaths], AfterValidator(_two_or_more)] | None = Field(
        default=None, examples=[{"up": "up.txt", "down": "down.txt"}]
    )
    text: str | None = None
    label: str | None = None
    delimiter: Character | None = None
    encoding: Encoding = "utf-8"
    level: Level = "word"
    lower: bool = False
    min_count: PositiveInt = 1
    max_vocabulary: PositiveInt = 50_000
    max_length: PositiveInt = 1000

    def files_by_part(self) -> dict[str, list[Path]]:
        """Returns the files of each part that has files of its own; those of all classes are of ``train``."""
        files = super().files_by_part()
        if self.classes is not None:
            return {"train": [file for given in self.classes.values() for file in expanded(given)]} | files
        return files


class TextClassificationTask(Task[TextOptions]):
    """One class for each text; tokens that the training part does not have are unknown."""

    kind = "text_classification"
    Options = TextOptions

    @classmethod
    def sample(cls, folder: Path) -> Self:
        """Returns 80 texts of 2 to 7 words about dry and wet weather."""
        rng = np.random.default_rng(0)
        path = folder / "sentences.txt"
        words = np.array(["wind", "rain", "sun", "snow", "ice"])
        lines = [
            f"{'wet' if n % 2 else 'dry'} {n} {' '.join(rng.choice(words, 1 + n % 6))}" for n in range(80)
        ]
        path.write_text("\n".join(lines), encoding="utf-8")
        return cls(TextOptions(path=(path,)))

    def read(self) -> Prepared:
        """Reads, splits and encodes the texts; see `Task.read`."""
        options = self.options
        parts, layout = self._parts()
        vocabulary = Vocabulary.fitted(
            map(self._tokens, parts.train.items),
            rarest=options.min_count,
            largest=options.max_vocabulary,
            source=parts.train.source,
            former=self.vocabulary,
        )

        def sequences(examples: Examples[str]) -> Sequences:
            ids = vocabulary.encoded_all(
                [self._tokens(text)[: options.max_length] for text in examples.items]
            )
            return Sequences(padded(ids, np.int64), parts.targets(examples), lengths_of(ids))

        dataset = labelled_dataset(
            "text classification",
            parts,
            sequences,
            signature=Signature(0, len(parts.classes), vocabulary=len(vocabulary.tokens)),
            options=options,
            vocabulary=vocabulary.tokens,
            statistics=Statistics(rarest=options.min_count),
        )
        inputs = TokenInputs(vocabulary.tokens, options.level, options.lower, options.max_length, layout)
        dataset = replace(dataset, preparation=Preparation(inputs, ClassAnswers(parts.classes)))
        return Prepared.of(
            dataset,
            parts.by_name,
            lambda both: text_baselines(
                both.map(lambda examples: list(examples.items)),
                both.map(parts.targets),
                level=options.level,
                metric=dataset.metric,
                classes=len(parts.classes),
            ),
        )

    def _tokens(self, text: str) -> str | list[str]:
        tokens = tokenized(text.lower() if self.options.lower else text, self.options.level)
        return tokens if isinstance(tokens, str) else list(tokens)

    def _parts(self) -> tuple[LabelledParts[str], TextLayout]:
        (files, layout), most = self._examples(), self.options.max_length
        sizes = []
        for examples in files.values():
            for position, text in enumerate(examples.items):
                sizes.append(len(self._tokens(text)))
                if not sizes[-1]:
                    raise DataError(f"{examples.where[position]} is {text!r:.60}, without a token; drop it")
        lost = [size - most for size in sizes if size > most]
        if lost:
            remark = (
                f"{counted(len(lost), 'text')} cut to the first {most:,} tokens, max_length; {sum(lost):,} of "
                f"{sum(sizes):,} tokens are not read"
            )
            files["train"] = replace(files["train"], remarks=(*files["train"].remarks, remark))
        return split_examples(files, self.options.split), layout

    def _examples(self) -> tuple[dict[str, Examples[str]], TextLayout]:
        options = self.options
        roles = TextRoles(options.text, options.label, options.group, options.delimiter, options.encoding)
        class_of = {
            file: label for label, given in (options.classes or {}).items() for file in expanded(given)
        }
        reader = TextReader(roles)
        examples = options.examples(lambda file: reader.read(file, class_of.get(file)), reader.of_table)
        return examples, reader.layout
