"""How often the rule of seeds names a lead, and how many seeds it takes, in contests whose true lead is known.

    python -m benchmarks.sequential

It ends by writing ``benchmarks/results/sequential.md``.
"""

from __future__ import annotations

import numpy as np

from benchmarks.table import Table, write
from evo_nas.champion.sequential import Decision, SequentialRule

LOOKS = (3, 5, 8)
LEADS = (0.0, 0.5, 1.0, 2.0, 4.0)
"""True leads, in standard deviations of the difference of a pair of trainings with the same seed."""
CONTESTS = 4_000


def main() -> None:
    rule = SequentialRule(LOOKS)
    rows = []
    for lead in LEADS:
        differences = np.random.default_rng(0).normal(lead, 1.0, (CONTESTS, LOOKS[-1])).tolist()
        ends = [_end(rule, contest) for contest in differences]
        decided = np.mean([decision is Decision.DECIDED for decision, _ in ends])
        rows.append((f"{lead:g}", f"{decided:.1%}", f"{np.mean([seeds for _, seeds in ends]):.1f}"))
    levels = ", ".join(f"{look} seeds {level:.3f}" for look, level in zip(LOOKS, rule.levels(), strict=True))
    table = Table(
        "Contests of two models",
        "python -m benchmarks.sequential",
        ("true lead, in standard deviations", "a lead is named", "seeds, on average"),
        rows,
        [
            f"{CONTESTS:,} simulated contests of normal differences a row. Levels: {levels}; over all looks 5 %."
        ],
    )
    print(table)
    write("sequential", "Whether more seeds are worthwhile", [table])


def _end(rule: SequentialRule, contest: list[float]) -> tuple[Decision, int]:
    """Returns how a contest ends, and after how many of its seeds."""
    count = rule.looks[0]
    while (decision := rule.decide(contest[:count])) is Decision.MORE:
        count = rule.next_look(count) or len(contest)
    return decision, count


if __name__ == "__main__":
    main()
