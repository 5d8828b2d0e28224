"""Language modelling: every token is predicted from all tokens before it."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Literal, TypeVar

import numpy as np
from pydantic import PositiveInt, model_validator

from evo_nas.data.options import Encoding, Shares, StrictOptions
from evo_nas.data.sources import SourceOptions
from evo_nas.data.splitting import PARTS
from evo_nas.data.statistics import Statistics
from evo_nas.data.text_files import Corpus, joined_texts, lines_of
from evo_nas.data.vocabulary import Level, Vocabulary, tokenized
from evo_nas.errors import DataError
from evo_nas.genome.architecture import Signature
from evo_nas.tasks.answers import ClassAnswers
from evo_nas.tasks.baselines.ngrams import ngram_baselines
from evo_nas.tasks.dataset import Dataset, Objective, Stream
from evo_nas.tasks.metrics import LANGUAGE
from evo_nas.tasks.preparation import Preparation
from evo_nas.tasks.raw_inputs import TokenInputs
from evo_nas.tasks.task import Prepared, Task

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from typing import Self

ORDERS: Mapping[Level, tuple[int, ...]] = {"character": (1, 6), "word": (1, 3), "blank": (1, 3)}
"""Lengths of the n-grams of the baselines: without context, and the longest that a small text still fills."""
UNITS: Mapping[Level, str] = {"character": "characters", "word": "words", "blank": "what blanks separate"}
"""The tokens of each level, for people."""


class CorpusOptions(StrictOptions):
    """Options that all language modelling shares.

    Attributes:
        split: Shares of training, validation and test in the order of the text; parts that have files of their own
            leave their share to training.
        steps: Tokens through which gradients are followed back; states are carried on beyond them.
        level: What a token is: ``character``, ``word``, or ``blank``, what stands between blanks.
        min_count: How often a token must occur in training to be known.
        max_vocabulary: How many tokens there may be.
        metric: What search optimises: ``nll`` in nats per token, ``bits_per_character`` or ``perplexity``.
    """

    split: Shares = (0.8, 0.1, 0.1)
    steps: PositiveInt = 64
    level: Level = "character"
    min_count: PositiveInt = 1
    max_vocabulary: PositiveInt = 50_000
    metric: Literal["nll", "bits_per_character", "perplexity"] = "nll"

    @model_validator(mode="after")
    def _bits_need_characters(self) -> Self:
        if self.level != "character" and self.metric == "bits_per_character":
            raise ValueError(
                f"metric is bits_per_character, but level is {self.level}; choose perplexity or nll"
            )
        return self


class LanguageModelOptions(SourceOptions, CorpusOptions):
    """Options of the task ``language_model``.

    Files are plain text, tables whose rows are lines, or FASTA whose records are lines, one after the other.

    Attributes:
        encoding: Encoding of the files.
        text: Column of the text in tables and in a data set of Hugging Face; guessed if not given.
    """

    encoding: Encoding = "utf-8"
    text: str | None = None


CorpusOptionsT_co = TypeVar("CorpusOptionsT_co", bound=CorpusOptions, covariant=True)


class CorpusTask(Task[CorpusOptionsT_co]):
    """Tokens of a text in three parts; tokens that the training part does not have are unknown."""

    def read(self) -> Prepared:
        """Reads and encodes the text; see `Task.read`."""
        options, texts = self.options, self._texts()
        tokens = self._cut({part: tokenized(corpus.text, options.level) for part, corpus in texts.items()})
        vocabulary = Vocabulary.fitted(
            [tokens["train"]],
            rarest=options.min_count,
            largest=options.max_vocabulary,
            source="the text",
            former=self.vocabulary,
        )
        parts = {part: Stream(vocabulary.encoded(some), options.steps) for part, some in tokens.items()}
        size, unit = len(vocabulary.tokens), UNITS[options.level]
        dataset = Dataset(
            name=f"language model of {unit}",
            signature=Signature(0, size, vocabulary=size, per_step=True, predicts_inputs=True),
            objective=Objective.CROSS_ENTROPY,
            metric=LANGUAGE[options.metric],
            train=parts["train"],
            validation=parts["validation"],
            test=parts["test"],
            causal=True,
            vocabulary=vocabulary.tokens,
            remarks=(
                f"tokens are {unit}; unknown in test: {np.mean(parts['test'].tokens == 0):.3%}",
                *(remark for corpus in texts.values() for remark in corpus.remarks),
            ),
            preparation=Preparation(
                TokenInputs(vocabulary.tokens, options.level), ClassAnswers(vocabulary.tokens)
            ),
            statistics=Statistics(rarest=options.min_count),
        )
        return Prepared.of(
            dataset,
            parts,
            lambda both: ngram_baselines(both, ORDERS[options.level], metric=dataset.metric, vocabulary=size),
        )

    @abstractmethod
    def _texts(self) -> dict[str, Corpus]:
        """Returns the text to be cut as ``train``, and parts that have a text of their own."""

    def _cut(self, tokens: Mapping[str, Sequence[str]]) -> dict[str, Sequence[str]]:
        shares = dict(zip(PARTS, self.options.split, strict=True))
        cut = [part for part in shares if part == "train" or part not in tokens]
        shares["train"] += sum(share for part, share in shares.items() if part not in cut)
        whole, start, parts = tokens["train"], 0, dict(tokens)
        for part in cut:
            # The last part takes the rest: rounded shares need not add up to the whole.
            end = len(whole) if part == cut[-1] else start + round(shares[part] * len(whole))
            parts[part] = whole[start:end]
            start = end
        for part, some in parts.items():
            if len(some) <= self.options.steps:
                raise DataError(
                    f"the {part} part of the text has {len(some)} tokens; steps is {self.options.steps}, and one "
                    "token more is needed: supply more text, or lower steps"
                )
        return parts


class LanguageModelTask(CorpusTask[LanguageModelOptions]):
    """Language modelling of plain text files."""

    kind = "language_model"
    Options = LanguageModelOptions

    @classmethod
    def sample(cls, folder: Path) -> Self:
        """Returns 2,700 characters of one sentence, repeated."""
        path = folder / "book.txt"
        path.write_text("the quick brown fox jumps over the lazy dog. " * 60, encoding="utf-8")
        return cls(LanguageModelOptions(path=(path,), steps=16))

    def _texts(self) -> dict[str, Corpus]:
        options = self.options
        if options.huggingface is not None:
            return {part: lines_of(table, options.text) for part, table in options.tables().items()}
        return {
            part: joined_texts(files, options.encoding, column=options.text)
            for part, files in options.files_by_part().items()
        }
