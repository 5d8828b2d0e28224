"""Finalists are distinct networks, and what chooses among them are rows that did not choose them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from evo_nas.champion.finalist_plan import FinalistPlan, _judging_cuts
from evo_nas.champion.finalists import finalists_of
from evo_nas.champion.retrain import Retrained, Retraining, retrain_here
from evo_nas.champion.selection import Ranking
from evo_nas.cli.app import main
from evo_nas.config import configured
from evo_nas.evaluation import Candidate, Evaluation, Outcome, Status
from evo_nas.experiment import Experiment
from evo_nas.genome.architecture import Signature
from evo_nas.genome.cells import cell_name
from evo_nas.genome.options import SpaceOptions
from evo_nas.genome.space import SearchSpace
from evo_nas.randomness import stream
from evo_nas.runs import Run
from evo_nas.testing.cuts import content

SPACE = SearchSpace(SpaceOptions(), Signature(features=8, outputs=10), epochs=4)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("finalists")
    settings = {
        "name": "parity",
        "task": {"kind": "parity", "length": 12, "train": 60, "validation": 30, "test": 30},
        "space": {"widths": [4, 6], "batch_sizes": [32], "cell_nodes": 8},
        "training": {"epochs": 1},
        "strategy": {"kind": "random"},
        "budget": {"evaluations": 8},
    }
    with Experiment.of(configured(settings)).open(Run.at(folder / "run"), executor="inline") as search:
        search.run()
    return folder / "run"


def plan_of(place: Path, **options: int) -> FinalistPlan:
    run = Run.at(place)
    return FinalistPlan.of(run, Experiment.of_run(run), **options)


def answered(plan: FinalistPlan, score: float = 0.5, **by_name: float) -> dict[str, Retrained]:
    """Returns made-up results of all trainings: ``score``, or that of the name that is part of the request's."""
    results: dict[str, Retrained] = {}
    while wanted := plan.wanted(results):
        for request in wanted:
            value = next((each for name, each in by_name.items() if f" {name}," in request.name), score)
            results[request.key] = Retrained(10, validation=value)
    return results


def test_settings_of_training_make_no_other_network() -> None:
    genomes = [SPACE.random(stream(1, str(number))) for number in range(3)]
    changed = (
        (*genomes[0][:at], value, *genomes[0][at + 1 :])
        for at in SPACE.training_genes & set(SPACE.active_genes(genomes[0]))
        for value in range(SPACE.genes[at].size)
    )
    same = next(
        genome
        for genome in changed
        if SPACE.decode(genome) != SPACE.decode(genomes[0]) and SPACE.is_feasible(genome)
    )
    told = [
        Evaluation(
            Candidate(number, genome, str(number), (), "random", 0, 4, 0), Outcome(Status.OK, fitness=fitness)
        )
        for number, (genome, fitness) in enumerate(
            [(genomes[0], 0.9), (same, 0.8), (genomes[1], 0.7), (genomes[2], 0.6)]
        )
    ]
    found = finalists_of(Ranking.of(told, "a run"), SPACE, objectives=["fitness"], count=3)
    assert [each.number for each in found] == [0, 2, 3]


def test_finalists_of_a_front_are_spread_over_it() -> None:
    genomes = [SPACE.random(stream(3, str(number))) for number in range(6)]
    told = [
        Evaluation(
            Candidate(number, genome, str(number), (), "random", 0, 4, 0),
            Outcome(Status.OK, fitness=fitness, parameters=parameters),
        )
        for number, (genome, fitness, parameters) in enumerate(
            zip(genomes, (0.9, 0.89, 0.88, 0.87, 0.5, 0.2), (1000, 990, 980, 970, 500, 10), strict=True)
        )
    ]
    objectives = ("fitness", "parameters")
    ranking = Ranking.of(told, "a run", objectives=objectives)
    found = finalists_of(ranking, SPACE, objectives=objectives, count=3)
    assert [each.number for each in found] == [0, 4, 5]


def test_all_are_judged_with_the_same_seeds_and_with_other_ones_than_the_search(place: Path) -> None:
    plan = plan_of(place, count=2, trainings=2)
    wanted = plan.wanted({})
    first, second = wanted[:2], wanted[2:]
    assert [(each.cut, each.seed) for each in first] == [(each.cut, each.seed) for each in second]
    assert len({each.seed for each in first}) == 2
    seeds_of_the_search = {each.candidate.seed for each in Run.at(place).history().told}
    assert not seeds_of_the_search & {each.seed for each in wanted}


def test_more_trainings_are_those_of_fewer_and_further_ones(place: Path) -> None:
    # A training is kept under the number of its cut, so that a number has to mean the same rows in every judgement.
    few, many = (plan_of(place, count=2, trainings=trainings).judging for trainings in (2, 5))
    pairs = list(zip(many.cuts, many.seeds, strict=True))
    assert list(zip(few.cuts, few.seeds, strict=True)) == pairs[:2]
    for cut in {0, *few.cuts}:
        one, other = few.dataset.of_cut(cut), many.dataset.of_cut(cut)
        assert content(one.train) == content(other.train)
        assert content(one.validation) == content(other.validation)


@given(seen=st.integers(1, 6), available=st.integers(0, 12), trainings=st.integers(1, 8))
def test_the_cuts_of_fewer_trainings_come_first(seen: int, available: int, trainings: int) -> None:
    def cuts(count: int) -> list[int]:
        # A data set gives as many as are wanted, or as it has.
        others = max(min(available, seen - 1 + count), seen - 1)
        return _judging_cuts(seen, others, trainings=count, limit="")[0]

    assert cuts(trainings + 1)[:-1] == cuts(trainings)


def test_they_are_ranked_by_the_mean_over_the_cuts(place: Path) -> None:
    plan = plan_of(place, count=3)
    last = plan.finalists[-1].number
    best, *others = plan.judged(answered(plan, **{f"#{last}": 0.9}))
    assert best.number == last
    assert [each.number for each in others] == [each.number for each in plan.finalists[:-1]]
    assert best.scores is not None
    assert best.scores.mean == pytest.approx(0.9)


def evolved(plan: FinalistPlan) -> int:
    """Returns the candidate of a finalist whose cells are neither all GRU nor all LSTM."""
    return next(
        each.number
        for each in plan.finalists
        if not {cell_name(layer.cell) for layer in each.architecture.layers} <= {"gru", "lstm"}
    )


def test_an_evolved_cell_is_kept_only_if_it_beats_gru_and_lstm_on_the_cuts(place: Path) -> None:
    plan = plan_of(place, count=8)
    number = evolved(plan)
    lead = {f"#{number}": 0.8}
    kept = plan.judged(answered(plan, **lead))[0]
    assert kept.number == number
    assert kept.put_forward == kept.architecture
    assert "is kept" in kept.sentence
    beaten = plan.judged(answered(plan, **lead, LSTM=0.8))[0]
    assert beaten.number == number
    assert {cell_name(layer.cell) for layer in beaten.put_forward.layers} == {"lstm"}
    assert "is not kept" in beaten.sentence


def test_a_finalist_that_fails_on_a_cut_ranks_last(place: Path) -> None:
    plan = plan_of(place, count=2)
    results = answered(plan)
    leader = plan.judged(results)[0].number
    failed = next(each for each in plan.wanted({}) if f"#{leader}," in each.name)
    results[failed.key] = Retrained(0, error="the loss is not finite")
    results |= {each.key: Retrained(10, validation=0.5) for each in plan.wanted(results)}
    assert plan.judged(results)[0].number != leader


def test_an_interrupted_judgement_goes_on_with_what_is_kept(place: Path) -> None:
    run = Run.at(place)
    plan, training = plan_of(place, count=2, trainings=2), Experiment.of_run(run).config.training
    made: list[str] = []

    def counting(
        requests: Sequence[Retraining], dataset: object, training: object
    ) -> Iterator[tuple[Retraining, Retrained, bytes | None]]:
        for result in retrain_here(requests, dataset, training):  # type: ignore[arg-type]
            made.append(result[0].key)
            yield result

    first: dict[str, Retrained] = {}
    next(plan.hold(run.champion, counting, training, first))
    results: dict[str, Retrained] = {}
    for _ in plan.hold(run.champion, counting, training, results):
        pass
    assert len(made) == len(set(made))
    assert plan.wanted(results) == []
    assert plan.kept(run.champion) == results


def test_one_command_lists_and_judges(place: Path) -> None:
    runner = CliRunner()
    listed = runner.invoke(main, ["finalists", str(place), "-k", "2"])
    assert listed.exit_code == 0, listed.output
    assert "noise of one training" in listed.output
    judged = runner.invoke(
        main, ["finalists", str(place), "-k", "2", "--trainings", "1", "--judge", "--inline", "--json"]
    )
    values = json.loads(judged.stdout)
    assert [each["rank"] for each in values["finalists"]] == [1, 2]
    assert all(len(each["cuts"]["values"]) == 1 for each in values["finalists"])
    again = runner.invoke(main, ["finalists", str(place), "-k", "2", "--trainings", "1", "--json"])
    assert json.loads(again.stdout) == values
