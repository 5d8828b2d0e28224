"""Cuts of few-shot tasks: other classes of those that are not in the test part are validated on."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from evo_nas.data.examples import enumerated
from evo_nas.data.split_remarks import natural
from evo_nas.data.splitting import PARTS
from evo_nas.tasks.cuts.relearning import in_own_units
from evo_nas.tasks.dataset import Sequences

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from evo_nas.data.statistics import Statistics
    from evo_nas.tasks.dataset import Dataset
    from evo_nas.tasks.few_shot import FewShotTask

    ByClass = Mapping[str, npt.NDArray[np.float32]]


class Classes(NamedTuple):
    """The standardised examples of each class of each part.

    Attributes:
        by_part: The examples of each class, in the order in which classes were drawn.
        remarks: What should be known of them, one sentence each.
        statistics: What of them was learnt from the training part.
        groups: The groups of each class; none without groups.
    """

    by_part: Mapping[str, ByClass]
    remarks: tuple[str, ...]
    statistics: Statistics
    groups: Mapping[str, frozenset[str]]


@dataclass(frozen=True)
class OtherClasses:
    """Cuts that are validated on other classes; those that an earlier cut was validated on are learnt.

    Attributes:
        task: Draws the episodes.
        classes: The classes of the first cut.
    """

    task: FewShotTask
    classes: Classes

    def limit(self, dataset: Dataset) -> str:  # noqa: ARG002 - it is the same for all
        """Why there are not more cuts."""
        parts = self.classes.by_part
        return (
            f"every cut is validated on {len(parts['validation'])} other classes, with groups of their own if there "
            f"are groups, of {len(parts['train']) + len(parts['validation'])} that are not in the test part"
        )

    def cuts(self, dataset: Dataset, count: int) -> list[ClassCut]:  # noqa: ARG002 - the classes say all
        """Returns at most ``count`` cuts; see `Resampling.cuts`."""
        first, held_out = list(self.classes.by_part["train"]), list(self.classes.by_part["validation"])
        found: list[ClassCut] = []
        for start in range(0, len(first) - len(held_out) + 1, len(held_out)):
            validation = first[start : start + len(held_out)]
            train = [*first[:start], *first[start + len(held_out) :], *held_out]
            if len(found) == count or self._share_groups(train, validation):
                break
            found.append(ClassCut(self.task, self.classes, train, validation, number=len(found) + 1))
        return found

    def _share_groups(self, train: list[str], validation: list[str]) -> bool:
        groups = [
            frozenset[str]().union(*(self.classes.groups[name] for name in some))
            for some in (train, validation)
        ]
        return bool(groups[0] & groups[1])


@dataclass(frozen=True)
class ClassCut:
    """Episodes over other classes; the names are those of the classes of each part."""

    task: FewShotTask
    classes: Classes
    train: list[str]
    validation: list[str]
    number: int

    @property
    def said(self) -> str:
        """What is in its parts."""
        named = (enumerated(sorted(some, key=natural)) for some in (self.train, self.validation))
        return "training classes {}, validation classes {}".format(*named)

    def applied(self, dataset: Dataset) -> Dataset:
        """Returns the data of this cut; see `Cut.applied`."""
        by_part = self.classes.by_part
        pool = {**by_part["train"], **by_part["validation"]}
        chosen = {
            name: {each: pool[each] for each in getattr(self, name)} for name in ("train", "validation")
        }
        chosen["test"] = dict(by_part["test"])
        parts = [Sequences(np.concatenate(list(some.values())), np.zeros(0)) for some in chosen.values()]
        scaled = in_own_units(self.classes.statistics, *parts)
        rescaled = {
            part: dict(zip(some, np.split(each.inputs, _ends(some)), strict=True))
            for (part, some), each in zip(chosen.items(), scaled, strict=True)
        }
        episodes = self.task.drawn(rescaled, self.number)
        return dataset.with_parts(*(self.task.as_sequences(episodes[part]) for part in PARTS))


def _ends(classes: ByClass) -> list[int]:
    """Returns where the examples of each class but the last one end."""
    return list(accumulate(map(len, classes.values())))[:-1]
