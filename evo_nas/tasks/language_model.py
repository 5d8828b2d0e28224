"""Language modelling: every token is foretold from all before it."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import PositiveInt, model_validator

from evo_nas.errors import DataError
from evo_nas.genome.architecture import Signature
from evo_nas.tasks.metrics import LANGUAGE
from evo_nas.tasks.ngrams import NGrams
from evo_nas.tasks.options import Shares, TaskOptions
from evo_nas.tasks.sources import SourceOptions
from evo_nas.tasks.task import Dataset, Loss, Stream, Task
from evo_nas.tasks.text_files import lines_of, read_text
from evo_nas.tasks.vocabulary import Level, Vocabulary, tokenized

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from typing import Self

    import numpy.typing as npt

ORDERS: Mapping[Level, tuple[int, ...]] = {"character": (1, 6), "word": (1, 3)}
"""Of the n-gram models to beat."""


class CorpusOptions(TaskOptions):
    """Options that all language modelling shares.

    Attributes:
        split: Shares of training, validation and test in the order of the text; parts that have files of their own
            leave their share to training.
        steps: Tokens through which gradients are followed back; states are carried on beyond them.
        level: What a token is: ``character`` or ``word``.
        min_count: How often a token must occur in training to be known.
        max_vocabulary: How many tokens there may be.
        metric: What search optimises: ``nll`` in nats a token, ``bits_per_character`` or ``perplexity``.
    """

    split: Shares = (0.8, 0.1, 0.1)
    steps: PositiveInt = 64
    level: Level = "character"
    min_count: PositiveInt = 1
    max_vocabulary: PositiveInt = 50_000
    metric: Literal["nll", "bits_per_character", "perplexity"] = "nll"

    @model_validator(mode="after")
    def _bits_are_of_characters(self) -> Self:
        if self.level == "word" and self.metric == "bits_per_character":
            raise ValueError("metric is bits_per_character, but level is word; choose perplexity or nll")
        return self


class LanguageModelOptions(SourceOptions, CorpusOptions):
    """Options of the task ``language_model``.

    Files are plain text and are read one after the other.

    Attributes:
        encoding: Encoding of the files.
        text: Column of the text in a data set of Hugging Face, whose rows are lines; guessed if not given.
    """

    encoding: str = "utf-8"
    text: str | None = None


class CorpusTask(Task):
    """Tokens of a text in three parts; what a token is comes from the training part, the rest is unknown."""

    def __init__(self, options: CorpusOptions) -> None:
        self._options = options

    def load(self) -> Dataset:
        """Reads and encodes the text; see `Task.load`."""
        return self._encoded()[0]

    def baselines(self) -> dict[str, float]:
        """Returns the test metric of n-gram models."""
        dataset, parts = self._encoded()
        learnt, test = np.concatenate([parts["train"], parts["validation"]]), parts["test"]
        baselines = {}
        for order in ORDERS[self._options.level]:
            model = NGrams(tuple(learnt.tolist()), order=order, vocabulary=dataset.signature.vocabulary)
            nats = model.surprise(tuple(test.tolist()))
            baselines[f"{order}-grams"] = dataset.metric.value(np.array([nats, 1.0]))
        return baselines

    @abstractmethod
    def _texts(self) -> dict[str, str]:
        """Returns the text to be cut as ``train``, and parts that have a text of their own."""

    def _encoded(self) -> tuple[Dataset, dict[str, npt.NDArray[np.int64]]]:
        texts = self._texts()
        tokens = self._cut({part: tokenized(text, self._options.level) for part, text in texts.items()})
        vocabulary = Vocabulary.fitted(
            [tokens["train"]],
            rarest=self._options.min_count,
            largest=self._options.max_vocabulary,
            source="the text",
        )
        parts = {part: vocabulary.encoded(some) for part, some in tokens.items()}
        steps, size = self._options.steps, len(vocabulary.tokens)
        dataset = Dataset(
            name=f"language model of {self._options.level}s",
            signature=Signature(0, size, vocabulary=size, per_step=True, predicts_inputs=True),
            loss=Loss.CROSS_ENTROPY,
            metric=LANGUAGE[self._options.metric],
            train=Stream(parts["train"], steps),
            validation=Stream(parts["validation"], steps),
            test=Stream(parts["test"], steps),
            causal=True,
            vocabulary=vocabulary.tokens,
            remarks=(
                f"tokens are {self._options.level}s; unknown in test: {np.mean(parts['test'] == 0):.3%}",
            ),
        )
        return dataset, parts

    def _cut(self, tokens: Mapping[str, Sequence[str]]) -> dict[str, Sequence[str]]:
        shares = dict(zip(("train", "validation", "test"), self._options.split, strict=True))
        cut = [part for part in shares if part == "train" or part not in tokens]
        shares["train"] += sum(share for part, share in shares.items() if part not in cut)
        whole, start, parts = tokens["train"], 0, dict(tokens)
        for part in cut:
            end = len(whole) if part == cut[-1] else start + round(shares[part] * len(whole))
            parts[part] = whole[start:end]
            start = end
        for part, some in parts.items():
            if len(some) <= self._options.steps:
                raise DataError(
                    f"the {part} part of the text has {len(some)} tokens; steps is {self._options.steps}, and one "
                    "token more is needed: supply more text, or lower steps"
                )
        return parts


class LanguageModelTask(CorpusTask):
    """Language modelling of plain text files."""

    kind = "language_model"
    Options = LanguageModelOptions

    def __init__(self, options: LanguageModelOptions) -> None:
        super().__init__(options)
        self._source = options

    def files(self) -> list[Path]:
        """Returns the files of all parts."""
        return self._source.files()

    def _texts(self) -> dict[str, str]:
        source = self._source
        if source.huggingface is not None:
            return {part: lines_of(table, source.text) for part, table in source.tables().items()}
        return {
            part: "".join(read_text(file, source.encoding) for file in files)
            for part, files in source.files_by_part().items()
        }
