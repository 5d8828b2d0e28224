"""Greedy selection of an ensemble from networks that are trained already (Caruana et al., 2004).

The ensemble begins with the best networks, then the network that helps the mean most is added again and again; one that
is added several times has a larger share. It is cheap, since only answers are averaged, and hardly overfits the part
that it selects on, since every step is a mean over all that was chosen before.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from evo_nas.models.ensemble import Link

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy.typing as npt

    from evo_nas.tasks.metrics import Metric

    Outputs = npt.NDArray[np.float32]
    Values = npt.NDArray[np.float64]

STEPS = 25
"""Networks that are added, again and again the same ones among them; more changed nothing in the paper's trials."""
SORTED = 2
"""How many of the best networks it begins with, so that a first lucky one is not alone."""
RAREST = 1e-12
"""Least probability, so that its logarithm is finite."""


@dataclass(frozen=True, slots=True)
class Selection:
    """What was selected.

    Attributes:
        counts: How often each network was added, by its place among those that were given; none is 0.
        score: Metric of their weighted mean on the part that selected them.
    """

    counts: Mapping[int, int]
    score: float


def select_ensemble(
    outputs: Sequence[Outputs],
    targets: npt.NDArray[np.generic],
    *,
    metric: Metric,
    link: Link,
    most: int | None = None,
    steps: int = STEPS,
    begin: int = SORTED,
) -> Selection:
    """Returns the networks whose weighted mean is best, each with its share.

    Args:
        outputs: What each network answers to the validation part, ``(rows, outputs)``, as networks give it.
        targets: The targets of these rows, ``(rows,)`` or ``(rows, targets)``.
        metric: The metric.
        link: The scale on which networks are averaged.
        most: How many different networks there may be, which is what bounds the cost; all by default.
        steps: How many are added in all.
        begin: How many of the best it begins with.
    """
    there, back = _SCALES[link]
    answers = [there(each.astype(np.float64)) for each in outputs]

    def fitness(total: Values | float, count: int) -> float:
        return metric.fitness(metric.score(back(np.asarray(total) / count).astype(np.float32), targets))

    bound = len(answers) if most is None else min(most, len(answers))
    alone = [fitness(answer, 1) for answer in answers]
    # The sort is stable: of equals the first counts, so that the same networks always give the same ensemble.
    chosen = sorted(range(len(answers)), key=lambda place: -alone[place])[: min(begin, bound)]
    total: Values = np.sum([answers[place] for place in chosen], axis=0)
    best, best_count = fitness(total, len(chosen)), len(chosen)
    while len(chosen) < steps:
        may = range(len(answers)) if len(set(chosen)) < bound else sorted(set(chosen))
        scored = [(fitness(total + answers[place], len(chosen) + 1), -place) for place in may]
        gained, place = max(scored)
        chosen.append(-place)
        total = total + answers[-place]
        if gained > best:
            best, best_count = gained, len(chosen)
    # A later step may have made it worse: the best ensemble on the way is kept, as in the paper. One that is no better
    # than its best network alone is that network.
    kept = chosen[:best_count] if best > max(alone) else [int(np.argmax(alone))]
    counts = {place: kept.count(place) for place in dict.fromkeys(kept)}
    mean = np.sum([count * answers[place] for place, count in counts.items()], axis=0) / len(kept)
    return Selection(counts, metric.score(back(mean).astype(np.float32), targets))


def _probabilities(logits: Values) -> Values:
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    shares: Values = powers / powers.sum(axis=-1, keepdims=True)
    return shares


def _logits(probabilities: Values) -> Values:
    logits: Values = np.log(np.maximum(probabilities, RAREST))
    return logits


def _likely(logits: Values) -> Values:
    likely: Values = np.exp(-np.logaddexp(0.0, -logits))
    return likely


def _log_odds(probabilities: Values) -> Values:
    odds: Values = np.log(np.maximum(probabilities, RAREST)) - np.log(np.maximum(1 - probabilities, RAREST))
    return odds


def _same(values: Values) -> Values:
    return values


# To the scale on which means are taken, and back to what a network gives; `models.ensemble.Ensemble` does the same.
_SCALES: Mapping[Link, tuple[Callable[[Values], Values], Callable[[Values], Values]]] = {
    Link.VALUES: (_same, _same),
    Link.CLASSES: (_probabilities, _logits),
    Link.LABELS: (_likely, _log_odds),
}
