"""`Entry`: what is trained for one contestant, its trials and then its retrainings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from evo_nas.champion.opponents import RANDOM, opponent
from evo_nas.champion.retrain import Retraining
from evo_nas.champion.trial_settings import SETTINGS, TrialSetting
from evo_nas.genome.cells import NAMED_CELLS, spoken_name
from evo_nas.runs.champion_store import CHAMPION

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from evo_nas.config import VerdictOptions
    from evo_nas.config.schema import ScheduleKind
    from evo_nas.genome.architecture import Architecture
    from evo_nas.genome.space import SearchSpace

_NAMES = {CHAMPION: CHAMPION, RANDOM: "random search"}


@dataclass(frozen=True, slots=True)
class Trial:
    """A setting of one contestant.

    Attributes:
        setting: How it differs from the training in the search.
        architecture: The contestant with this setting.
        epochs: Epochs of a training.
        schedule: How its learning rate changes; None as in the search.
    """

    setting: TrialSetting
    architecture: Architecture
    epochs: int
    schedule: ScheduleKind | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One contestant.

    Attributes:
        which: Its name in the run, and for `evo-nas export --which`.
        name: Its name for people.
        trials: What is tried for it.
    """

    which: str
    name: str
    trials: tuple[Trial, ...]

    def first_trainings(self, seed: int) -> list[Retraining]:
        """Returns one training of each trial."""
        return [self._training(trial, seed, trial.setting.name) for trial in self.trials]

    def best(self, seed: int, fitness: Callable[[Retraining], float | None]) -> Trial:
        """Returns the trial that is best on validation; the first one if none succeeded.

        Args:
            seed: The seed of `first_trainings`.
            fitness: Returns the validation metric of a training, higher is better; None for one that failed.
        """
        scores = [fitness(request) for request in self.first_trainings(seed)]
        # The test part has no say, since it must not choose what it judges.
        known = [number for number, score in enumerate(scores) if score is not None]
        return self.trials[max(known, key=lambda number: scores[number] or 0.0, default=0)]

    def retrainings(self, trial: Trial, seeds: Sequence[int]) -> list[Retraining]:
        """Returns the trainings of ``trial`` that are kept, one for each seed; the first is that of its trial."""
        return [
            self._training(trial, seed, f"seed {number} of {len(seeds)}")
            for number, seed in enumerate(seeds, start=1)
        ]

    def _training(self, trial: Trial, seed: int, what: str) -> Retraining:
        return Retraining(
            f"the {self.name}, {what}",
            trial.architecture,
            trial.epochs,
            seed,
            keeps_weights=True,
            schedule=trial.schedule,
        )


def entries_of(
    champion: Architecture,
    space: SearchSpace,
    options: VerdictOptions,
    *,
    budget: int,
    at_random: Architecture | None = None,
) -> list[Entry]:
    """Returns the champion and its opponents, each with the same trials.

    Args:
        champion: The architecture that the search found.
        space: The space of the search, which bounds the widths.
        options: Which opponents and how many trials.
        budget: Epochs of the champion in the search.
        at_random: What a search at random has found, if it is an opponent; it keeps its own size.
    """
    widest = max(space.options.widths)
    settings = SETTINGS[: options.trials]
    applied = [setting.applied(champion, widest=widest) for setting in settings]
    tried = {CHAMPION: applied}
    for name in options.opponents:
        if name == RANDOM:
            assert at_random is not None, "it was searched before the contest"
            tried[name] = [setting.applied(at_random, widest=widest) for setting in settings]
        else:
            # Of the size that the champion has with the same setting.
            tried[name] = [opponent(name, each, space.signature) for each in applied]
    return [
        Entry(
            which,
            _NAMES.get(which) or spoken_name(NAMED_CELLS[which]) or which,
            tuple(
                Trial(setting, architecture, setting.epochs(budget))
                for setting, architecture in zip(settings, architectures, strict=True)
            ),
        )
        for which, architectures in tried.items()
    ]
