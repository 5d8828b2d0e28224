"""A search for several objectives, from the configuration that is shipped to what is shown of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evo_nas.config import SearchConfig, load_config
from evo_nas.evaluation import Status
from evo_nas.experiment import Experiment
from evo_nas.genome.costs import Costs
from evo_nas.runs import Run
from evo_nas.runs.memory import Memory
from evo_nas.strategies.front import dominates
from evo_nas.strategies.verification import verify
from tests.cli.test_commands import evo_nas_command

EVALUATIONS = 26
CONFIG = Path(__file__).parents[1] / "configs" / "microcontroller.yaml"


def settings() -> SearchConfig:
    config = load_config(CONFIG)
    changed = {
        "training": config.training.model_copy(update={"epochs": 1}),
        "budget": config.budget.model_copy(update={"evaluations": EVALUATIONS}),
        "strategy": {"kind": "aging", "population": 10, "warmup": 8},
    }
    return config.model_copy(update=changed)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of a run of the shipped configuration, with few evaluations of an epoch each."""
    folder = tmp_path_factory.mktemp("several") / "run"
    with Experiment.of(settings()).open(Run.at(folder), executor="inline") as search:
        search.run()
    return folder


def test_every_candidate_keeps_the_limits_and_has_its_costs_recorded(place: Path) -> None:
    experiment, told = Experiment.of(settings()), Run.at(place).history().told
    assert len(told) == EVALUATIONS
    options = experiment.sections.space
    scored = [each for each in told if each.status is Status.OK]
    assert len(scored) > EVALUATIONS / 2
    for evaluation in scored:
        costs = Costs.of(experiment.space.decode(evaluation.candidate.genome), experiment.dataset.signature)
        assert costs.parameters == evaluation.outcome.parameters <= options.max_parameters
        assert costs.flops <= options.max_flops
        assert costs.state_bytes <= options.max_state_bytes
        assert costs.metrics.items() <= evaluation.outcome.metrics.items()


def test_the_front_has_all_that_no_other_beats(place: Path) -> None:
    rows = Run.at(place).table().to_pylist()

    def values(row) -> tuple[float, ...]:
        metrics = dict(row["metrics"])
        return row["fitness"], -metrics["energy_uj"], -metrics["state_bytes"]

    scored = [row for row in rows if row["status"] == Status.OK]
    best = [row["id"] for row in scored if not any(dominates(values(each), values(row)) for each in scored)]
    front = Run.at(place).front()
    assert sorted(row["id"] for row in front) == best
    assert len(front) > 1
    fitness = [row["mean_fitness"] for row in front]
    assert fitness == sorted(fitness, reverse=True)


def test_every_candidate_follows_from_the_log(place: Path) -> None:
    experiment = Experiment.of(settings())
    history = Run.at(place).history()
    assert any(each.candidate.parents for each in history.told)
    assert not list(verify(experiment.strategy(), history.told, history.in_flight))


def test_show_draws_the_front_and_lists_its_costs(place: Path) -> None:
    front = Run.at(place).front()
    for arguments in ((), ("--front",)):
        shown = evo_nas_command("show", place, *arguments).output
        assert all(f"#{row['id']}" in shown for row in front)
        assert "energy uJ/step" in shown
        assert "state bytes" in shown
        assert shown.count("o") >= len({row["mean_fitness"] for row in front})
    values = json.loads(evo_nas_command("show", place, "--front", "--json").stdout)
    assert values["objectives"] == ["fitness", "energy", "state_bytes"]
    assert [each["id"] for each in values["front"]] == [row["id"] for row in front]
    assert all(each["energy"] > 0 and each["state_bytes"] > 0 for each in values["front"])
    assert json.loads(evo_nas_command("show", place, "--json").stdout)["front"] == values["front"]


def test_results_without_costs_are_no_memory_of_a_search_for_them(place: Path, tmp_path: Path) -> None:
    config = settings()
    plain = config.model_copy(
        update={"fitness": config.fitness.model_copy(update={"objectives": ("fitness",)})}
    )
    experiment = Experiment.of(
        plain.model_copy(update={"budget": config.budget.model_copy(update={"evaluations": 2})})
    )
    with experiment.open(Run.at(tmp_path / "plain"), executor="inline") as search:
        search.run()
    several = Experiment.of(config)
    fingerprint = several.fingerprint
    assert Memory.at(str(tmp_path / "plain"), several.config, fingerprint).size == 0
    assert Memory.at(str(place), several.config, fingerprint).size > 0
    shown = evo_nas_command("show", tmp_path / "plain", "--front")
    assert shown.exit_code == 2
    assert "was searched for its fitness alone" in " ".join(shown.output.split())
