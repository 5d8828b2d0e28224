"""Takes what `evo-nas tune` has found into a contest: for the champion and every opponent alike, or for none."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from evo_nas.champion.entry import Trial
from evo_nas.champion.trial_settings import TrialSetting
from evo_nas.champion.tuning import TuningSpace, TuningTrial, best_of, network_of, tuning_seed
from evo_nas.errors import ChampionError
from evo_nas.genome.canonical import canonical
from evo_nas.genome.cells import NAMED_CELLS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evo_nas.champion.entry import Entry
    from evo_nas.champion.finalists import Finalist
    from evo_nas.experiment import Experiment
    from evo_nas.runs import Run


@dataclass(frozen=True, slots=True)
class TuningOf:
    """The tuning of one contestant that a run may keep.

    Attributes:
        run: The run that keeps it.
        experiment: The experiment of that run.
        finalist: The candidate whose network is tuned.
        cell: The published cell in the place of its own; empty to leave them.
    """

    run: Run
    experiment: Experiment
    finalist: Finalist
    cell: str = ""

    @classmethod
    def of_champion(cls, run: Run, experiment: Experiment, finalist: Finalist) -> TuningOf:
        """Returns that of what is put forward for ``finalist``, its own network or the same around another cell."""
        if finalist.put_forward == finalist.architecture:
            return cls(run, experiment, finalist)
        (cell,) = {layer.cell for layer in finalist.put_forward.layers}
        name = next(name for name, published in NAMED_CELLS.items() if canonical(published) == cell)
        return cls(run, experiment, finalist, name)

    @property
    def command(self) -> str:
        """The command that makes it."""
        cell = f" --cell {self.cell}" if self.cell else ""
        return f"`evo-nas tune {self.run} --candidate {self.finalist.number}{cell}`"

    @property
    def epochs(self) -> int:
        """Epochs of a whole trial."""
        return self.finalist.trial.candidate.budget

    @property
    def space(self) -> TuningSpace:
        """Its settings."""
        return TuningSpace.of_experiment(
            network_of(self.finalist.trial, self.experiment, self.cell), self.experiment
        )

    def trials(self) -> list[TuningTrial]:
        """Returns the trials that are kept, in the order of their numbers."""
        key = self.space.key(epochs=self.epochs, seed=tuning_seed(self.finalist.trial, self.experiment))
        kept = [TuningTrial.from_values(values) for values in self.run.tuning.read(key, "trials")]
        return sorted(kept, key=lambda trial: trial.number)


def with_tuned(entries: Sequence[Entry], tunings: Sequence[TuningOf]) -> list[Entry]:
    """Returns the entries with one more trial each, the best of their tunings.

    Each counts with as many trials as the shortest tuning has, so that none owes its place to a longer one.

    Args:
        entries: The champion and its opponents.
        tunings: The tuning of each.

    Raises:
        ChampionError: One has not been tuned, or all its trials failed.
    """
    trials = [tuning.trials() for tuning in tunings]
    count = min(map(len, trials))
    if missing := [tuning.command for tuning, kept in zip(tunings, trials, strict=True) if not kept]:
        raise ChampionError(
            f"tuned is asked for, but not all contestants are tuned; give {' and '.join(missing)}"
        )
    tuned = []
    for entry, tuning, kept in zip(entries, tunings, trials, strict=True):
        if not (found := best_of(kept[:count])):
            raise ChampionError(
                f"all {count} trials of the tuning of the {entry.name} failed; give {tuning.command} with more "
                "--trials, or leave out tuned"
            )
        network = tuning.space.network(found[0].genome)
        setting = TrialSetting(f"the best of {count} trials of a tuning")
        trial = Trial(setting, network.architecture, tuning.epochs, network.schedule)
        tuned.append(replace(entry, trials=(*entry.trials, trial)))
    return tuned
