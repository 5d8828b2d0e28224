"""Formal languages, learnt from short words and judged on long ones."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import Field, model_validator

from evo_nas.data.options import Count, Seed, StrictOptions
from evo_nas.data.padding import lengths_of, padded
from evo_nas.genome.architecture import Signature
from evo_nas.randomness import derive_seed
from evo_nas.tasks.baselines.classifiers import majority
from evo_nas.tasks.baselines.fitted_models import LEAST_LOGIT
from evo_nas.tasks.cuts.parts import PartsCut
from evo_nas.tasks.dataset import Dataset, Objective, Sequences
from evo_nas.tasks.example_sums import Scored
from evo_nas.tasks.languages import LANGUAGES, START, LanguageName
from evo_nas.tasks.metrics import CLASSIFICATION, Metric, mean
from evo_nas.tasks.preparation import plain_preparation
from evo_nas.tasks.task import Prepared, Task

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Self

    import numpy.typing as npt

    from evo_nas.tasks.baselines.fitting import Fit, TrainTest

LONGEST = 10_000
_LONGEST_PERIOD = max(language.period for language in LANGUAGES.values())
_HISTORY = 3
"""Symbols that the best of the baselines sees."""


def whole_words(
    outputs: npt.NDArray[np.float32], targets: npt.NDArray[np.generic]
) -> npt.NDArray[np.float64]:
    """Returns the number of words of which every step is right, and of all words.

    Args:
        outputs: Logits ``(steps, classes)`` of whole words, one after the other.
        targets: Classes ``(steps,)``; class 0 is that of the first step of each word.
    """
    starts = np.flatnonzero(targets == 0)
    is_right = outputs.argmax(axis=-1) == targets
    return np.array([np.logical_and.reduceat(is_right, starts).sum(), len(starts)], dtype=np.float64)


SEQUENCE_ACCURACY = Metric("sequence_accuracy", higher_is_better=True, statistic=whole_words, value=mean)
_METRICS = {**CLASSIFICATION, SEQUENCE_ACCURACY.name: SEQUENCE_ACCURACY}


class FormalLanguageOptions(StrictOptions):
    """Options of the task ``formal_language``.

    Attributes:
        language: ``anbn`` (a^n b^n), ``anbncn`` (a^n b^n c^n), ``dyck1`` and ``dyck2`` (balanced brackets of one or
            two kinds), or ``addition`` (of two binary numbers, lowest bits first).
        train: Words of the training part.
        validation: Words of the validation part.
        test: Words of the test part.
        train_length: Symbols of the longest training word; of additions, bits of the sum.
        validation_length: Symbols of the longest validation word; all are longer than those of training.
        test_length: Symbols of the longest test word; all are longer than those of validation.
        seed: Seed of the drawing.
        metric: What search optimises; ``sequence_accuracy`` counts the words of which every step is right, the others
            count steps.
    """

    language: LanguageName = "anbncn"
    train: Count = 1000
    validation: Count = 200
    test: Count = 200
    train_length: Annotated[int, Field(ge=_LONGEST_PERIOD, le=LONGEST)] = 30
    validation_length: Annotated[int, Field(ge=_LONGEST_PERIOD, le=LONGEST)] = 45
    test_length: Annotated[int, Field(ge=_LONGEST_PERIOD, le=LONGEST)] = 90
    seed: Seed = 0
    metric: Literal["sequence_accuracy", "accuracy", "macro_f1", "mcc", "nll"] = "sequence_accuracy"

    @model_validator(mode="after")
    def _lengths_rise(self) -> Self:
        lengths = [self.train_length, self.validation_length, self.test_length]
        # A word of every language has to fit between two lengths.
        if min(np.diff(lengths)) < _LONGEST_PERIOD:
            raise ValueError(
                f"train_length, validation_length and test_length are {', '.join(map(str, lengths))}; each must be at "
                f"least {_LONGEST_PERIOD} more than the one before"
            )
        return self


class FormalLanguageTask(Task[FormalLanguageOptions]):
    """After each symbol of a word, the set of symbols that may follow; of additions, the next bit of the sum.

    The prediction task of Gers and Schmidhuber (2001), whose criterion is that every step of a word is right. No part
    has a word of another one, since training words are short and test words long: a network that learnt the words and
    not the rule is found out. A word begins with a sign of its own.
    """

    kind = "formal_language"
    Options = FormalLanguageOptions

    @classmethod
    def sample(cls, folder: Path) -> Self:  # noqa: ARG003 - it writes no file
        """Returns 120 words of brackets."""
        options = {"language": "dyck2", "train": 80, "validation": 20, "test": 20}
        lengths = {"train_length": 8, "validation_length": 12, "test_length": 16}
        return cls(FormalLanguageOptions.model_validate(options | lengths))

    def read(self) -> Prepared:
        """Draws the words; see `Task.read`."""
        options = self.options
        rng = np.random.default_rng(options.seed)
        language = LANGUAGES[options.language]
        train, validation = self._learnt_and_validated(rng)
        test = self._words(
            rng, options.test, longer_than=options.validation_length, longest=options.test_length
        )
        vocabulary = (START, *language.symbols)
        signature = Signature(0, len(language.follows), vocabulary=len(vocabulary), per_step=True)
        dataset = Dataset(
            name=f"formal language {options.language}",
            signature=signature,
            objective=Objective.CROSS_ENTROPY,
            metric=_METRICS[options.metric],
            train=train,
            validation=validation,
            test=test,
            causal=True,
            classes=language.follows,
            vocabulary=vocabulary,
            preparation=plain_preparation(signature, classes=language.follows, vocabulary=vocabulary),
            resampling=_OtherWords(self),
        )
        drawn = {"train": train, "validation": validation, "test": test}
        return Prepared.of(dataset, drawn, partial(_baselines, dataset=dataset))

    def other_words(self, number: int) -> PartsCut:
        """Returns words of the same lengths that are drawn with another seed for each ``number``."""
        seed = derive_seed(self.options.seed, "cut", number)
        return PartsCut(*self._learnt_and_validated(np.random.default_rng(seed)))

    def _learnt_and_validated(self, rng: np.random.Generator) -> tuple[Sequences, Sequences]:
        options = self.options
        train = self._words(rng, options.train, longer_than=0, longest=options.train_length)
        return train, self._words(
            rng, options.validation, longer_than=options.train_length, longest=options.validation_length
        )

    def _words(self, rng: np.random.Generator, count: int, *, longer_than: int, longest: int) -> Sequences:
        """Returns words of random lengths; where a part has few different ones, some are repeated."""
        language = LANGUAGES[self.options.language]
        periods = rng.integers(longer_than // language.period, longest // language.period, count) + 1
        words = [language.draw(rng, language.period * int(number)) for number in periods]
        # The sign of the start is token 0, and its class is 0.
        inputs = [np.array([0, *(1 + symbol for symbol in word)]) for word in words]
        targets = [np.array([0, *language.classes(word)]) for word in words]
        return Sequences(padded(inputs, np.int64), padded(targets, np.int64), lengths_of(inputs))


@dataclass(frozen=True, slots=True)
class _OtherWords:
    """Draws other words: those of training may not be validated on, since they are shorter."""

    task: FormalLanguageTask

    def limit(self, dataset: Dataset) -> str:  # noqa: ARG002 - it is the same for all
        """Why there are not more cuts, though there always are."""
        return "no more words are drawn"

    def cuts(self, dataset: Dataset, count: int) -> list[PartsCut]:  # noqa: ARG002 - the task says all
        """Returns ``count`` cuts; see `Resampling.cuts`."""
        return [self.task.other_words(number) for number in range(1, count + 1)]


def _baselines(both: TrainTest[Sequences], dataset: Dataset) -> dict[str, Fit]:
    """Returns what predicts the most frequent class, and the most frequent one after the last symbols."""
    learnt, wanted = (part.targets[_valid(part)].astype(np.int64) for part in both)
    metric, classes = dataset.metric, len(dataset.classes)
    by_history = {
        f"most frequent after {symbols} symbol{'s' if symbols > 1 else ''}": partial(
            _after_history, both, dataset, symbols=symbols
        )
        for symbols in (1, _HISTORY)
    }
    return {"majority": partial(majority, learnt, wanted, metric=metric, classes=classes), **by_history}


def _after_history(both: TrainTest[Sequences], dataset: Dataset, *, symbols: int) -> Scored:
    train, test = both
    histories = len(dataset.vocabulary) ** symbols
    counts = np.zeros((histories, len(dataset.classes)))
    learnt, wanted = (part.targets[_valid(part)].astype(np.int64) for part in both)
    np.add.at(counts, (_histories(train, dataset, symbols=symbols), learnt), 1.0)
    # A history that training has not is answered by the frequencies of all.
    counts[counts.sum(axis=1) == 0] = counts.sum(axis=0)
    logits = np.log(np.maximum(counts, np.exp(LEAST_LOGIT)))[_histories(test, dataset, symbols=symbols)]
    return Scored.of(dataset.metric, logits.astype(np.float32), wanted)


def _histories(part: Sequences, dataset: Dataset, *, symbols: int) -> npt.NDArray[np.int64]:
    """Returns a number for the last symbols of each step that counts; before a word there are signs of its start."""
    tokens = np.pad(part.inputs.astype(np.int64), ((0, 0), (symbols - 1, 0)))
    steps = part.inputs.shape[1]
    places = len(dataset.vocabulary) ** np.arange(symbols)
    numbers = sum(tokens[:, back : back + steps] * place for back, place in enumerate(places.tolist()))
    return np.asarray(numbers, dtype=np.int64)[_valid(part)]


def _valid(part: Sequences) -> npt.NDArray[np.bool_]:
    steps = np.arange(part.inputs.shape[1])
    return np.ones(part.inputs.shape, np.bool_) if part.lengths is None else steps < part.lengths[:, None]
