"""Differences of genes that are choices: how they are added to a choice, by an ordered relaxation.

An ordered gene is a number on the scale of its choices, and each choice stands for all numbers within half a choice of
it; a sum is rounded. Lampinen and Zelinka, "Mixed Integer-Discrete-Continuous Optimization by Differential Evolution",
MENDEL 1999, round likewise. A gene without order is relaxed to one number for each choice, 1 for the one that is taken
and 0 for the others (one-hot), so that no order is made up, and a sum is rounded by drawing a choice in proportion to
its number. Differences alone would never bring back a choice that no target has; so, where two targets differ, the
base moves now and then to any choice: their difference says how far the population is spread, and not where to go.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from evo_nas.strategies.mutation import moved

if TYPE_CHECKING:
    import random

    from evo_nas.genome.gene import Gene

ANYWHERE = 0.2
"""Chance, for a step of 1, that a difference moves a gene without order to any other choice.

On NK landscapes over cells, where no gene has an order, 0.2 finds more than 0 and 0.5.
"""


def difference_added(gene: Gene, values: tuple[int, ...], *, step: float, rng: random.Random) -> int:
    """Returns ``base + step * (plus - minus)`` as a value of ``gene``.

    Args:
        gene: The gene.
        values: Values of it: base, plus and minus.
        step: How much of the difference is added.
        rng: Decides what lies between two choices.
    """
    base, plus, minus = values
    if gene.ordered:
        # Points within half a choice of plus and minus: targets that agree would else never leave what they agree on.
        difference = plus - minus + rng.random() - rng.random()
        return _rounded(base + step * difference, base, gene.size, rng)
    if plus == minus:
        return base
    if rng.random() < ANYWHERE * step:
        return moved(gene, base, rng)
    weights = {base: 1.0}
    weights[plus] = weights.get(plus, 0.0) + step
    weights[minus] = max(0.0, weights.get(minus, 0.0) - step)
    return rng.choices(list(weights), list(weights.values()))[0]


def _rounded(number: float, base: int, size: int, rng: random.Random) -> int:
    """Returns one of the two choices beside ``number``, the nearer one more often, so that small steps add up."""
    bound = min(max(number, 0.0), size - 1.0)
    if bound != number:
        # Halfway to the bound, as JADE does; set on the bound, the outermost choices would be far too frequent.
        number = (base + bound) / 2
    below = math.floor(number)
    return below + (rng.random() < number - below)
