"""Keys that drafts of all tasks on labelled examples share: the split and the metric."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from evo_nas.drafts.draft import Line

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from evo_nas.drafts.parts import GivenFiles

FEW_EXAMPLES = 1000
"""With fewer examples a tenth of them decides by chance."""
RARE = 0.5
"""A class that has less than this part of an equal share is rare."""


def split_lines(files: GivenFiles, examples: int, *, by_group: str = "") -> tuple[Line, ...]:
    """Returns the split, and the remedies for examples that are in two parts and for classes that are too rare.

    Args:
        files: The files.
        examples: Number of examples that are cut.
        by_group: The column whose groups stay together; empty without one.
    """
    return (Line("split", shares(files, examples), _split_reason(files, examples, by_group)),)


def shares(files: GivenFiles, examples: int) -> dict[str, float]:
    """Returns the sizes of the parts that have no files of their own."""
    validation = 0.1 if examples >= FEW_EXAMPLES else 0.2
    wanted = {"validation_path": ("validation", validation), "test_path": ("test", 0.2)}
    return dict(share for key, share in wanted.items() if key not in files.by_key) or {"validation": 0.1}


def remedies(files: GivenFiles, examples: int) -> tuple[Line, ...]:
    """Returns what helps where examples cannot be split as they are."""
    split = shares(files, examples)
    return (
        Line("split", {**split, "duplicates": "drop"}, "some examples are in two parts: those are dropped from the "
             "part that is used earlier; or: keep, as published results may have done"),
        Line("split", {**split, "duplicates": "drop", "stratified": False},
             "some classes are too rare to have a share in every part"),
    )  # fmt: skip


def metric_line(labels: Iterable[str]) -> Line:
    """Returns the metric of a classification: one that a guess of the commonest class does not win."""
    counts = Counter(labels)
    rarest, total = min(counts.values(), default=0), sum(counts.values())
    if len(counts) > 1 and rarest * len(counts) < RARE * total:
        return Line(
            "metric",
            "macro_f1",
            f"the classes are of different sizes, {_named(counts)}; or: accuracy, mcc, nll",
        )
    return Line("metric", "accuracy", f"{len(counts)} classes of about the same size; or: macro_f1, mcc, nll")


def _named(counts: Counter[str]) -> str:
    common = counts.most_common()
    few: Sequence[tuple[str, int]] = common if len(common) <= 3 else [common[0], common[-1]]
    return ", ".join(f"{name} {count:,}" for name, count in few)


def _split_reason(files: GivenFiles, examples: int, by_group: str) -> str:
    drawn = "examples are drawn by chance, the classes in equal shares; or: by: time takes the last ones"
    if by_group:
        drawn = f"whole groups of {by_group} are drawn"
    small = (
        f"a fifth is held out for validation, since {examples:,} examples are few; "
        if examples < FEW_EXAMPLES
        else ""
    )
    return f"{small}{drawn}" + ("; the test part has files of its own" if files.has_test else "")
