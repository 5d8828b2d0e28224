"""`NoiseEstimator`: how much the fitness of one architecture differs from training to training.

The estimate comes from architectures that were trained again although nothing spoke for it. A training that was asked
to confirm a high score does not count: the first score was high by luck, too, so that the two differ by more than
noise.
"""

from __future__ import annotations

import math
import statistics
from collections import defaultdict, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from evo_nas.evaluation import Evaluation
    from evo_nas.strategies.trials import Trial

REPEAT = "repeat"
"""Operator of a training that was asked whatever the first score."""
CONFIRMATION = "confirmation"
"""Operator of a training that confirms a high score."""
PLAYOFF = "playoff"
"""Operator of a training that decides between the best two."""
BIASED = frozenset((CONFIRMATION, PLAYOFF))
"""Operators of trainings that were asked because an earlier score was high."""
LEAST_PAIRS = 3
"""Fewer pairs of trainings say nothing about the noise."""
DOUBTED = 0.5
"""Part of a cut's shift that counts while fewer pairs show it: one poor network may be off by more than the shift, and
half of it is never far wrong."""
REMEMBERED_PAIRS = 256
"""The latest pairs count: the networks of a late population may be noisier than its founders."""
COLLAPSE = 5.0
"""A deviation of more robust standard deviations than this is no noise, but a network that fails with some seeds.

Of 52 repeated trainings of the WikiText-2 runs of NAS-Bench-NLP 48 deviate by at most 3.0, and the other 4 by 8.5 to
31; on digits 23 of 28 networks had a standard deviation of .005 to .008 between seeds, and 5 fell by .1 to .7.
"""


@dataclass(frozen=True, slots=True)
class Noise:
    """The standard deviation of a fitness, and on how many pairs of trainings the estimate rests.

    Attributes:
        std: Standard deviation of the fitness of one training.
        pairs: Pairs of trainings that it was estimated from.
    """

    std: float
    pairs: int

    def hides(self, difference: float, *, trainings: tuple[int, int] = (1, 1)) -> bool:
        """Whether two means differ by less than the standard error of their difference.

        Args:
            difference: Between the mean fitness of one architecture and that of another.
            trainings: How many trainings each mean is of.
        """
        error = self.std * math.sqrt(1 / trainings[0] + 1 / trainings[1])
        return abs(difference) <= error


class NoiseEstimator:
    """Estimates the noise from repeated trainings; a function of the trials that it was shown, in order.

    Attributes:
        shifts: By how much networks score higher on a cut than on the first, as far as known; replaced when it changes.
    """

    def __init__(self) -> None:
        self._deviations: deque[float] = deque(maxlen=REMEMBERED_PAIRS)
        self._differences: defaultdict[int, deque[float]] = defaultdict(
            lambda: deque(maxlen=REMEMBERED_PAIRS)
        )
        self._seeds: Noise | None = None
        self._cuts: Noise | None = None
        self.shifts: Mapping[int, float] = {}

    @property
    def seeds(self) -> Noise | None:
        """The noise between seeds, on the same cut of the data; None before enough pairs are known."""
        return self._seeds

    @property
    def cuts(self) -> Noise | None:
        """The noise between trainings that differ in seed and cut, without what makes a cut harder for all."""
        return self._cuts

    @property
    def overall(self) -> Noise | None:
        """The noise of a training on any cut, or on one where nothing is known of others."""
        return self._cuts or self._seeds

    def shift(self, cut: int) -> float:
        """Returns by how much networks score higher on ``cut`` than on the first; 0 while it is unknown."""
        return self.shifts.get(cut, 0.0)

    def learn(self, trial: Trial) -> None:
        """Takes in a trial that has got another evaluation, the last of ``trial.evaluations``."""
        *earlier, new = trial.evaluations
        if not earlier or new.candidate.operator in BIASED:
            return
        unbiased = _unbiased(earlier)
        if any(each.fitness is None for each in (*unbiased, new)) or new.outcome.inherited_steps:
            return  # a network that fails with some seeds is unstable
        reference = [each for each in unbiased if alike(each, new)]
        same = [each for each in reference if each.candidate.cut == new.candidate.cut]
        if same:
            self._deviations.append(_deviation(new, same))
            self._seeds = _pooled(self._deviations)
        elif reference:
            self._compare(new, reference)

    def explains(self, difference: float) -> bool | None:
        """Whether two trainings of one network may differ by so much by chance; None while the noise is unknown."""
        noise = self.overall
        if noise is None or noise.std == 0.0:
            return None
        return abs(difference) <= COLLAPSE * math.sqrt(2) * noise.std

    def _compare(self, new: Evaluation, reference: Sequence[Evaluation]) -> None:
        """Takes in trainings on different cuts, of which the first is one."""
        first = [each for each in reference if each.candidate.cut == 0]
        if first:
            self._differences[new.candidate.cut].append(_fitness(new) - _mean(first))
        elif new.candidate.cut == 0:
            self._differences[reference[-1].candidate.cut].append(_fitness(reference[-1]) - _fitness(new))
        else:
            return  # neither is the first cut, which alone has a known level
        self._learn_cuts()

    def _learn_cuts(self) -> None:
        # A cut may be harder for every network; what is left beside that is the noise.
        medians = {cut: statistics.median(found) for cut, found in self._differences.items()}
        residues = [
            (difference - medians[cut]) / math.sqrt(2)
            for cut, found in self._differences.items()
            for difference in found
        ]
        # Each median takes away about one of the residues of its cut.
        self._cuts = _pooled(residues, fitted=len(medians))
        self.shifts = {
            cut: median * (1.0 if len(self._differences[cut]) >= LEAST_PAIRS else DOUBTED)
            for cut, median in medians.items()
        }


NORMAL_MEDIAN = statistics.NormalDist().inv_cdf(0.75)
"""Median of the size of a standard normal deviation."""


def _pooled(deviations: Iterable[float], *, fitted: int = 0) -> Noise | None:
    """Returns the standard deviation of deviations from a mean, without those of networks that collapsed."""
    sizes = sorted(abs(deviation) for deviation in deviations)
    if len(sizes) - fitted < LEAST_PAIRS:
        return None
    # Of a small validation part most pairs may be tied, so that the median of all would be 0.
    different = [size for size in sizes if size > 0.0]
    scale = statistics.median(different) / NORMAL_MEDIAN if different else 0.0
    calm = [size for size in sizes if size <= COLLAPSE * scale]
    freedom = max(1, len(calm) - fitted)
    return Noise(math.sqrt(math.fsum(size * size for size in calm) / freedom), len(calm))


def _deviation(new: Evaluation, earlier: Sequence[Evaluation]) -> float:
    """Returns a deviation whose variance is that of one training, independent of those of earlier trainings."""
    # Helmert's contrast, so that the third training of a network adds one degree of freedom and not two.
    return (_fitness(new) - _mean(earlier)) * math.sqrt(len(earlier) / (len(earlier) + 1))


def _unbiased(evaluations: Sequence[Evaluation]) -> list[Evaluation]:
    """Returns the evaluations from the last biased one on: those before it made the score look high."""
    first = max(
        (place for place, each in enumerate(evaluations) if each.candidate.operator in BIASED),
        default=0,
    )
    return list(evaluations[first:])


def alike(first: Evaluation, second: Evaluation) -> bool:
    """Whether two scored trainings of one network can be compared: they went equally far, and began alike."""
    one, other = first.standing, second.standing
    return one is not None and other is not None and one.is_comparable(other)


def _mean(evaluations: Sequence[Evaluation]) -> float:
    return statistics.fmean(map(_fitness, evaluations))


def _fitness(evaluation: Evaluation) -> float:
    assert evaluation.fitness is not None, "only scored evaluations are compared"
    return evaluation.fitness
