"""Searches a little on every data set, and compares the champion with an LSTM that is tuned alike and with baselines.

    python -m benchmarks.champions [NAME...]     makes what is missing; all data sets by default, the cheap ones first
    python -m benchmarks.champions --report      the page alone

Run from the root of the repository. Data lie where the configurations say, or where EVO_NAS_DATA says. What was made is
kept in the folder that EVO_NAS_BENCHMARKS names, ``~/.cache/evo-nas-benchmarks`` by default, so that a second call goes
on. One process, one thread. It ends by writing ``benchmarks/results/champions.md``.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import torch

from benchmarks.comparisons import CUT_HEADER, GIVEN_HEADER, NETWORK_HEADER, Comparison
from benchmarks.contests import NAMES, SEEDS, Challenge, Contest
from benchmarks.table import Table, write

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

NORMS = "space.norms=[layer, none, before]"
SERIES = (NORMS, "space.fronts=[differences, none, convolution 3]", "space.shortcuts=[none, flat, pooled]")
WINDOWS = (NORMS, "space.shortcuts=[shared, none]")
BARE = ("space.fronts=[none]", "space.shortcuts=[none]")
CHALLENGES = {
    "airline": Challenge(40, WINDOWS, 18.9),
    "sunspots": Challenge(40, WINDOWS),
    "japanese_vowels": Challenge(40, SERIES, 0.984),
    "digits": Challenge(40, (), 0.983),
    "etth1": Challenge(30, (), 0.0264),
    "etth1_seven": Challenge(
        20, ("space.fronts=[none, segments 8, segments 24]", "space.segments=[0, 24]"), 0.375, "; SegRNN .368"
    ),
    "pendigits": Challenge(24, (), 0.985),
    "coal": Challenge(24, (), 4.1e-4),
    "trec": Challenge(20, (), 0.892),
    "promoters": Challenge(12, (), 0.795),
    "mnist1d": Challenge(12, (), 0.94),
    "jsb": Challenge(12, (), 8.20),
    "tinyshakespeare": Challenge(8, (), 1.70, "; 6-grams"),
    "anbncn": Challenge(14, BARE, 1.0),
    "addition": Challenge(10, BARE, 1.0),
}
LANGUAGES = ("anbncn", "addition")
REMARKS = (
    "Champion: the fittest on validation of a search by aging evolution, with so many candidates in one process; "
    "the script says where the space differs from that in `configs/` or from the default.",
    "Which blocks the default space and `configs/` hold was decided with the [ablation](ablation.md) in view, which "
    "shows the test part of the given cut; no search and no choice among candidates saw a test score.",
    "LSTM: the same strategy, seed and number of candidates in the same space, but with LSTM cells alone and without "
    "front ends, shortcuts, norms and the like; widths, depth, directions, poolings, rates, batches and dropout are to "
    "choose as for the champion, so its size is what validation chose.",
    "Champion with LSTM cells: the whole network of the champion, shortcut and norm included, with LSTM cells of "
    "widths that give it as many parameters; its settings are not tuned again. Left out where the champion is one.",
    f"All are trained from scratch with the same {len(SEEDS)} seeds, which no search saw; means of the test metric. "
    "Differences are paired and positive where the champion is better, with a 95 % interval by Student's t; the noise "
    "of the test part itself is not in it.",
    "The baseline is the best of all that the task has, chosen by the test score itself. It was measured when "
    "baselines learnt from the validation part, too, which networks do not; `python -m benchmarks.champions` measures "
    "it anew, by what all learn from now, the training part alone.",
    "CPU seconds: both searches and all trainings on the given cut, without the baselines.",
)
CUTS = (
    "The networks are those that the search on the given cut found, trained from scratch on each other cut with a seed "
    "of its own; the baselines are fitted to each of them, and the best is that of the best mean. Cuts that divide the "
    "same examples anew share them with the cut of the search."
)


def main(*names: str) -> None:
    torch.set_num_threads(1)
    for name in () if names == ("--report",) else names or CHALLENGES:
        contest = Contest(name, CHALLENGES[name], make=True)
        contest.on_given_cut()
        contest.baselines()
        contest.on_other_cuts()
        report()
    report()


def report() -> None:
    """Writes the page from all that is kept."""
    contests = [Contest(name, challenge, make=False) for name, challenge in CHALLENGES.items()]
    given = list(filter(None, map(Comparison.on_given_cut, contests)))
    others = list(filter(None, map(Comparison.on_other_cuts, contests)))
    missing = CHALLENGES.keys() - {each.contest.name for each in given}
    not_run = [f"Not run: {', '.join(name for name in CHALLENGES if name in missing)}."] if missing else []
    command = "python -m benchmarks.champions"
    tables = (
        (
            "On the cut of the search",
            GIVEN_HEADER,
            [each.row() for each in given],
            [*_verdict(given), _passed(given), *not_run, *REMARKS],
        ),
        (
            "On cuts that no search saw",
            CUT_HEADER,
            [each.cut_row() for each in others],
            [*_verdict(others), CUTS],
        ),
        ("The networks", NETWORK_HEADER, [row for each in given for row in each.network_rows()], []),
    )
    write(
        "champions",
        "Champions, LSTMs tuned alike, and baselines",
        [Table(title, command, header, rows, remarks) for title, header, rows, remarks in tables if rows],
    )


def _verdict(compared: Sequence[Comparison]) -> list[str]:
    """Returns what was reached and what was missed; languages have no baseline worth the name."""
    data = [each for each in compared if each.contest.name not in LANGUAGES]
    told = ["Better than the best baseline, by the mean: " + _split(data, lambda each: each.beats_baseline)]
    for name in NAMES[1:]:
        gains = {each.contest.name: gain for each in data if (gain := each.gain(name))}
        better = [data_set for data_set, gain in gains.items() if gain.is_gain]
        worse = [data_set for data_set, gain in gains.items() if gain.is_loss]
        told.append(
            f"Against the {name}, by the 95 % interval: better on {len(better)} of {len(gains)} ({_listed(better)}), "
            f"worse on {len(worse)} ({_listed(worse)})."
        )
    return told


def _passed(compared: Sequence[Comparison]) -> str:
    with_figure = [each for each in compared if each.contest.challenge.to_pass is not None]
    return "Passes the figure to pass, by the mean: " + _split(with_figure, lambda each: each.passes)


def _split(compared: Sequence[Comparison], reached: Callable[[Comparison], bool]) -> str:
    yes = [each.contest.name for each in compared if reached(each)]
    no = [each.contest.name for each in compared if not reached(each)]
    return f"{len(yes)} of {len(compared)} ({_listed(yes)}); not on {_listed(no)}."


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) or "none"


if __name__ == "__main__":
    main(*sys.argv[1:])
