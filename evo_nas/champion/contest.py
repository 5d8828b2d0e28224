"""`Contest`: the champion of a run and its opponents, tuned alike, retrained alike and judged on what is kept."""

from __future__ import annotations

import hashlib
import json
import statistics
from typing import TYPE_CHECKING

from evo_nas.champion.assessment import Assessment
from evo_nas.champion.comparison import pairings_of
from evo_nas.champion.entry import entries_of
from evo_nas.champion.exporters.native import Member, Provenance, native_files, tuning_file
from evo_nas.champion.finalist_plan import FinalistPlan
from evo_nas.champion.kept_trainings import KeptTrainings
from evo_nas.champion.opponents import RANDOM
from evo_nas.champion.random_opponent import RandomOpponent, search_here
from evo_nas.champion.sequential import Decision, SequentialRule
from evo_nas.champion.trial_settings import judging_trainings
from evo_nas.champion.tuned_settings import TuningOf, with_tuned
from evo_nas.champion.verdict import BASIS, Contestant, Verdict, basis_of
from evo_nas.errors import ChampionError
from evo_nas.genome.codec import architecture_hash
from evo_nas.genome.describe import describe
from evo_nas.genome.parameters import count_tables
from evo_nas.randomness import derive_seed
from evo_nas.runs.champion_store import CHAMPION, SINGLE
from evo_nas.tasks.baselines.fitting import scores, validations
from evo_nas.training.losses import LINKS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from evo_nas.champion.assessment import Assess
    from evo_nas.champion.entry import Entry, Trial
    from evo_nas.champion.finalists import Finalist
    from evo_nas.champion.random_opponent import Searched, SearchOn
    from evo_nas.champion.retrain import Retrain, Retrained, Retraining
    from evo_nas.config import VerdictOptions
    from evo_nas.experiment import Experiment
    from evo_nas.genome.architecture import Architecture
    from evo_nas.runs import Run
    from evo_nas.tasks.baselines.fitting import FittedBaselines
    from evo_nas.tasks.example_sums import ExampleSums


class Contest:
    """What the verdict on a run is based on; each training is kept in the run as soon as it is made.

    The best networks of the run are judged on other cuts of the data, and one goes on as the champion. It and its
    opponents then go the same way. A few settings are tried for each, with one seed; the best on
    validation is trained with further seeds; the mean of these networks is kept, and the test part is looked at once,
    for the scores of exactly that::

        contest = Contest(run, experiment)
        for made in contest.hold(retrain, assess):
            print(f"{contest.done} of {contest.total}", made and made.name)
        verdict = contest.verdict(baselines)

    Args:
        run: A run with at least one score.
        experiment: The experiment of that run.
        options: How much is trained; by default as the configuration says.
        tuned: Whether the best settings that `evo-nas tune` has found are tried, too, for all contestants.
        affords: Asked with a number of epochs whether there is time for them; without time there are no more seeds
            than `VerdictOptions.seeds`.

    Raises:
        ChampionError: No candidate of the run was scored.
    """

    def __init__(
        self,
        run: Run,
        experiment: Experiment,
        options: VerdictOptions | None = None,
        *,
        tuned: bool = False,
        affords: Callable[[int], bool] = lambda _: True,
    ) -> None:
        history = run.history()
        self._run = run
        self._basis = basis_of(history)
        self._experiment = experiment
        self._options = options or experiment.config.verdict
        self._tuned = tuned
        self._affords = affords
        self._evaluations = len(history.told)
        self._plan = FinalistPlan.of(
            run, experiment, count=self._options.finalists, trainings=self._options.cuts
        )
        self._judged: dict[str, Retrained] = {}
        self._finalist = self._plan.finalists[0]
        self._random = RandomOpponent(run, experiment) if RANDOM in self._options.opponents else None
        self._found: dict[str, Finalist] = {}
        self._entries: list[Entry] = []
        self._made = KeptTrainings(run.champion, experiment)
        self._seeds = self._options.seeds
        self._chosen: dict[str, Trial] = {}
        self._members: dict[str, dict[Retraining, Member]] = {}
        self._look = 1

    @property
    def total(self) -> int:
        """Number of all trainings, as far as it is known yet, those of a search at random included."""
        searched = self._random.evaluations if self._random else 0
        if self._chosen:  # all are known then; some may be shared, such as those of an LSTM champion
            return searched + len(self._judged) + len(self._made)
        options = self._options
        judged = judging_trainings(options)
        tried = (1 + len(options.opponents)) * (self._trials_each + options.seeds - 1)
        judged = len(self._judged) if self._entries else max(judged, len(self._judged))
        return searched + judged + tried

    @property
    def _trials_each(self) -> int:
        return self._options.trials + self._tuned

    @property
    def done(self) -> int:
        """Number of trainings that are done."""
        return (self._random.done if self._random else 0) + len(self._judged) + self._made.done

    @property
    def epochs_left(self) -> int:
        """Epochs of all trainings that are not done, as far as they are known yet."""
        unknown = self.total - self.done - (len(self._made) - self._made.done)
        return self._made.epochs_left + unknown * self._finalist.trial.candidate.budget

    def hold(
        self, retrain: Retrain, assess: Assess, search: SearchOn = search_here
    ) -> Iterator[Retraining | Assessment | Searched | None]:
        """Makes the trainings and scores that the run does not keep yet; yields each when it is made and kept.

        Yields None now and then while none is made, so that the caller can do something else or stop. A training that
        failed in an earlier attempt is made again: the cause may have been the machine.

        Args:
            retrain: Makes the trainings.
            assess: Scores what is kept.
            search: Searches at random, where that is an opponent.
        """
        yield from self._choose_champion(retrain)
        if self._random is not None:
            yield from self._random.search(search)
            yield from self._choose_of_random(self._random, retrain)
        self._enter()
        yield from self._made.train(
            retrain, [each for entry in self._entries for each in self._trials(entry)]
        )
        fitness = self._made.fitness
        self._chosen = {entry.which: entry.best(self._seed(1), fitness) for entry in self._entries}
        yield from self._made.train(retrain, self._all_retrainings())
        while self._wants_another_seed():
            self._seeds += 1
            yield from self._made.train(retrain, self._all_retrainings())
        self._members = {entry.which: self._kept_members(entry) for entry in self._entries}
        yield from self._made.assess(
            assess, self._recorded(self._made.unassessed([*self._assessments().values()]))
        )

    def verdict(
        self, baselines: FittedBaselines, *, check_owned: Callable[[], None] = lambda: None
    ) -> Verdict:
        """Judges what `hold` made, and stores champion, opponents and verdict in the run.

        Args:
            baselines: What simple baselines reach.
            check_owned: Raises an error if another process has taken the run over.

        Raises:
            ChampionError: The champion failed in training.
        """
        contestants = {entry.which: self._contestant(entry) for entry in self._entries}
        champion = contestants.pop(CHAMPION)
        if champion is None:
            raise ChampionError(
                f"candidate {self._finalist.trial.candidate.id} was scored but its retraining failed "
                f"({self._failures(self._entries[0])}); give the same command again, or search on for another"
            )
        opponents = tuple(each for each in contestants.values() if each is not None)
        metric, levels = self._experiment.dataset.metric, self._experiment.dataset.quantiles
        verdict = Verdict(
            candidate=self._finalist.trial.main.candidate.id,
            evaluations=self._evaluations,
            metric=metric.name,
            higher_is_better=metric.higher_is_better,
            champion=champion,
            opponents=opponents,
            comparisons=tuple(pairings_of(champion, opponents, baselines, metric=metric, sums=self._sums)),
            baselines=scores(baselines),
            baseline_validations=validations(baselines),
            promised_coverage=levels[-1] - levels[0] if levels else None,
            pruned_at=None
            if self._finalist.trial.outcome.status.complete
            else self._finalist.trial.outcome.epochs,
            epochs=self._finalist.trial.candidate.budget,
            trials=self._trials_each,
            look=self._look,
            finalists=self._of_finalists(),
            lost={
                entry.name: self._failures(entry)
                for entry in self._entries[1:]
                if contestants[entry.which] is None
            },
        )
        store = self._run.champion
        store.publish(self._models(), verdict.to_values() | {BASIS: self._basis}, check_owned=check_owned)
        # Those of this contest stay: if the same wins again after more evaluations, nothing is trained twice.
        store.discard_trainings(self._made.keys)
        return verdict

    def _choose_champion(self, retrain: Retrain) -> Iterator[Retraining | None]:
        """Judges the finalists where there are several; the best of them goes on."""
        yield from self._judge(self._plan, retrain)
        self._finalist = self._found[CHAMPION] = self._best(self._plan)

    def _choose_of_random(self, opponent: RandomOpponent, retrain: Retrain) -> Iterator[Retraining | None]:
        """Judges the finalists of the search at random in the same way."""
        plan = opponent.plan(self._options)
        yield from self._judge(plan, retrain)
        self._found[RANDOM] = self._best(plan)

    def _judge(self, plan: FinalistPlan, retrain: Retrain) -> Iterator[Retraining | None]:
        if len(plan.finalists) > 1:
            training = self._experiment.config.training
            yield from plan.hold(self._run.champion, retrain, training, self._judged)

    def _best(self, plan: FinalistPlan) -> Finalist:
        return plan.judged(self._judged)[0] if len(plan.finalists) > 1 else plan.finalists[0]

    def _enter(self) -> None:
        """Lets what was chosen go on with its opponents."""
        found = {which: finalist.put_forward for which, finalist in self._found.items()}
        self._entries = entries_of(
            found[CHAMPION],
            self._experiment.space,
            self._options,
            budget=self._finalist.trial.candidate.budget,
            at_random=found.get(RANDOM),
        )
        if self._tuned:
            self._entries = with_tuned(self._entries, [self._tuning(entry.which) for entry in self._entries])

    def _tuning(self, which: str) -> TuningOf:
        if which == CHAMPION:
            return TuningOf.of_champion(self._run, self._experiment, self._finalist)
        if which == RANDOM and self._random is not None:
            return TuningOf(self._random.run, self._random.experiment, self._found[RANDOM])
        return TuningOf(self._run, self._experiment, self._finalist, which)

    def _trials(self, entry: Entry) -> list[Retraining]:
        return entry.first_trainings(self._seed(1))

    def _all_retrainings(self) -> list[Retraining]:
        return [request for entry in self._entries for request in self._retrainings(entry)]

    def _retrainings(self, entry: Entry) -> list[Retraining]:
        seeds = [self._seed(number) for number in range(1, self._seeds + 1)]
        return entry.retrainings(self._chosen[entry.which], seeds)

    def _wants_another_seed(self) -> bool:
        """Whether another seed may tell the champion from its best opponent on validation, and there is time for it."""
        champion, *opponents = self._entries
        rivals = [leads for entry in opponents if (leads := self._leads(champion, entry))]
        if not rivals or self._seeds >= self._options.most_seeds:
            return False
        looks = range(max(2, self._options.seeds), self._options.most_seeds + 1)
        # On validation and never on test, which is looked at once and must not decide when to stop.
        closest = min(rivals, key=statistics.fmean)
        if SequentialRule(tuple(looks)).decide(closest) is not Decision.MORE:
            return False
        return self._affords(sum(each.epochs for each in self._chosen.values()))

    def _leads(self, champion: Entry, other: Entry) -> list[float]:
        """Returns how far the champion is ahead on validation, for each seed of which both trainings succeeded."""
        pairs = [
            (self._made.fitness(ours), self._made.fitness(theirs))
            for ours, theirs in zip(self._retrainings(champion), self._retrainings(other), strict=True)
        ]
        return [ours - theirs for ours, theirs in pairs if ours is not None and theirs is not None]

    def _kept_members(self, entry: Entry) -> dict[Retraining, Member]:
        """Returns the networks that answer together, by their training, the best on validation first."""
        scored = {
            each: score
            for each in self._retrainings(entry)
            if (score := self._made.fitness(each)) is not None
        }
        ranked = sorted(scored, key=lambda each: scored[each], reverse=True)
        if self._experiment.config.training.adaptation is not None:
            ranked = ranked[:1]  # each network adapts by itself, so that several cannot be kept as one
        weights = {each: self._made.weights(each) for each in ranked}
        return {each: Member(each.architecture, held) for each, held in weights.items() if held is not None}

    def _assessments(self) -> dict[str, Assessment]:
        names = {entry.which: f"the {entry.name}" for entry in self._entries}
        return {
            which: Assessment(names[which], tuple(members.values()))
            for which, members in self._members.items()
            if members
        }

    def _recorded(self, requests: list[Assessment]) -> list[Assessment]:
        """Records, before it is taken, that another look at the test part is needed for ``requests``."""
        self._look = max(1, self._run.champion.looks())
        if requests:
            options = self._options.model_dump(mode="json") | ({"tuned": True} if self._tuned else {})
            plan = {"basis": self._basis, "verdict": options}
            key = hashlib.sha256(json.dumps(plan, sort_keys=True).encode()).hexdigest()[:32]
            self._look = self._run.champion.look(key, plan)
        return requests

    def _contestant(self, entry: Entry) -> Contestant | None:
        """Returns what is told of a contestant; None if nothing of it can be kept."""
        request = self._assessments().get(entry.which)
        assessed = None if request is None else self._made.assessed(request)
        if assessed is None or assessed.validation is None or assessed.test is None:
            return None
        trial, retrainings = self._chosen[entry.which], self._retrainings(entry)
        tests = dict(zip(self._members[entry.which], assessed.tests, strict=True))
        # In the order of the seeds, so that those of two contestants are pairs.
        kept = [each for each in retrainings if each in tests]
        made = {each.key: self._made.result(each) for each in (*self._trials(entry), *retrainings)}
        return Contestant(
            name=entry.name,
            which=entry.which,
            architecture=describe(trial.architecture),
            parameters=self._made.result(kept[0]).parameters,
            validation=assessed.validation,
            test=assessed.test,
            tests=tuple(tests[each] for each in kept),
            validations=tuple(self._made.result(each).validation or 0.0 for each in kept),
            failures=sum(not self._made.result(each).succeeded for each in retrainings),
            coverage=assessed.coverage,
            table_parameters=count_tables(trial.architecture, self._experiment.space.signature),
            setting=trial.setting.name,
            epochs=trial.epochs,
            train_s=sum(each.train_s for each in made.values()),
            latency_ms=assessed.latency_ms,
        )

    def _sums(self, which: str) -> ExampleSums | None:
        return self._made.assessed(self._assessments()[which]).example_sums

    def _models(self) -> dict[str, dict[str, bytes]]:
        """Returns the files of every model that is kept, by its name."""
        kept = {which: list(members.values()) for which, members in self._members.items() if members}
        kept[SINGLE] = kept[CHAMPION][:1]
        dataset = self._experiment.dataset
        return {
            which: native_files(
                members,
                dataset.signature,
                self._provenance(which, members[0].architecture),
                dataset.preparation,
                link=LINKS[dataset.objective],
            )
            | self._tuning_file(which)
            for which, members in kept.items()
        }

    def _tuning_file(self, which: str) -> dict[str, bytes]:
        """Returns the file that says how the model was tuned, if its settings are those of a tuning."""
        trial = self._chosen.get(which, self._chosen[CHAMPION])
        if trial.schedule is None:
            return {}
        return tuning_file({"schedule": trial.schedule, "sentence": trial.setting.name})

    def _provenance(self, which: str, architecture: Architecture) -> Provenance:
        # Another opponent has no genome: it is the champion's network around another cell.
        found = self._found.get(CHAMPION if which == SINGLE else which)
        trial = (found or self._finalist).trial
        run = self._random.run if self._random is not None and which == RANDOM else self._run
        return Provenance(
            genome=found.trial.candidate.genome if found else (),
            canonical_hash=found.trial.candidate.canonical_hash if found else architecture_hash(architecture),
            space=self._experiment.space.options,
            epochs=self._chosen.get(which, self._chosen[CHAMPION]).epochs,
            run_id=run.record.run_id,
            candidate=trial.main.candidate.id,
        )

    def _of_finalists(self) -> str:
        if len(self._plan.finalists) < 2:
            return ""
        chosen = f"chosen among {len(self._plan.finalists)} finalists on {self._plan.judging.said}"
        return "; ".join(filter(None, (chosen, self._finalist.sentence)))

    def _failures(self, entry: Entry) -> str:
        return self._made.errors([*self._trials(entry), *self._retrainings(entry)])

    def _seed(self, number: int) -> int:
        # The same for every contestant; they depend only on the run and its champion.
        return derive_seed(
            self._experiment.config.seed, "retrain", self._finalist.trial.candidate.canonical_hash, number - 1
        )
