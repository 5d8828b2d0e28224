"""Grid search visits a bounded space once, evenly from the beginning, and refuses a space that is too large."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path

import pytest
from click.testing import CliRunner

from evo_nas.cli import main
from evo_nas.config import FitnessOptions
from evo_nas.errors import ConfigError
from evo_nas.evaluation import Candidate
from evo_nas.genome.architecture import Signature
from evo_nas.genome.options import SpaceOptions
from evo_nas.genome.space import SearchSpace
from evo_nas.strategies.grid import GridOptions, GridSearch, far_step
from evo_nas.testing.histories import evaluated
from tests.contracts.fitted import BOUNDED

EPOCHS = 4
SIGNATURE = Signature(features=3, outputs=2)


def space(epochs: int = EPOCHS, **options: object) -> SearchSpace:
    return SearchSpace(SpaceOptions.model_validate({**BOUNDED, **options}), SIGNATURE, epochs)


def grid(made: SearchSpace, *, seed: int = 1, **options: int) -> GridSearch:
    return GridSearch(made, GridOptions(**options), seed=seed, epochs=EPOCHS)


def shares(made: SearchSpace, asked: list[Candidate], name: str) -> list[float]:
    """Returns how often each choice of a gene came, as shares of what an even deal would give."""
    position = next(at for at, gene in enumerate(made.genes) if gene.name == name)
    relevant = [each for each in asked if position in made.active_genes(each.genome)]
    counts = Counter(each.genome[position] for each in relevant)
    size = made.genes[position].size
    return [counts[value] * size / len(relevant) for value in range(size)]


def test_every_architecture_comes_once_and_then_nothing() -> None:
    made = space()
    asked = grid(made).ask(5000)
    assert len(asked) == 1140
    assert len({each.canonical_hash for each in asked}) == 1140
    assert sum(part.most for part in made.subspaces()) == 1140


def test_what_exceeds_a_limit_is_left_out() -> None:
    made = space(max_parameters=2000)
    asked = grid(made).ask(5000)
    assert 0 < len(asked) < 1140
    assert all(made.is_feasible(each.genome) for each in asked)


def test_cells_that_are_spelled_in_several_ways_come_once() -> None:
    made = space(
        layers={"max": 1}, evolve_cell=True, cell_nodes=2, cell_states=1, ops=["linear"], widths=[4],
        learning_rates={"count": 1},
    )  # fmt: skip
    asked = grid(made).ask(5000)
    assert len({each.canonical_hash for each in asked}) == len(asked)
    cells = {made.decode(each.genome).layers[0].cell for each in asked}
    assert len(cells) > 5
    assert len(asked) == 2 * len(cells)  # with and without a skip of the head


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("count", [60, 120])
def test_stopped_early_it_has_asked_for_all_choices_about_equally_often(seed: int, count: int) -> None:
    made = space()
    asked = grid(made, seed=seed).ask(count)
    for name in ("training.learning_rate", "layers", "layer1.width", "layer2.width", "layer1.cell"):
        assert all(0.8 <= share <= 1.2 for share in shares(made, asked, name)), name


def test_a_nested_loop_would_not_have_asked_for_all_choices_by_then() -> None:
    made = space()
    part = max(made.subspaces(), key=lambda part: part.most)
    assert part.most // part.factors["learning_rates"] > 120  # of the first rate alone


def test_the_shallow_networks_do_not_come_last() -> None:
    made = space()
    depths = [len(made.decode(each.genome).layers) for each in grid(made).ask(100)]
    assert Counter(depths) == {1: 50, 2: 50}


def test_training_genes_are_enumerated() -> None:
    made = space(optimizers=["adam", "sgd"], batch_sizes=[8, 16], layers={"max": 1}, cells=["gru"])
    trainings = {made.decode(each.genome).training for each in grid(made).ask(5000)}
    assert len(trainings) == 2 * 2 * 5


def test_genes_that_a_pruned_training_cannot_judge_keep_their_default() -> None:
    made = space(epochs=30, layers={"max": 1})
    pruned = FitnessOptions(rungs=(2,), reduction=2)
    strategy = GridSearch(made, seed=1, epochs=30, fitness=pruned)
    asked = strategy.ask(5000)
    assert len(asked) == 60  # a half of them without a skip of the head: 3 widths, 2 cells, 5 rates
    assert len({made.decode(each.genome).training.weight_decay for each in asked}) == 1
    assert len(GridSearch(made, GridOptions(max_points=10**6), seed=1, epochs=30).ask(100)) == 100


def test_the_order_depends_on_the_seed() -> None:
    made = space()
    first, second = ([each.genome for each in grid(made, seed=seed).ask(1140)] for seed in (1, 2))
    assert first != second
    assert set(first) == set(second)


def test_a_resumed_grid_leaves_out_what_was_asked() -> None:
    made = space()
    whole, resumed = grid(made), grid(made)
    asked = whole.ask(300)
    told = [evaluated(each) for each in asked[:290]]
    whole.tell(told)
    resumed.resume(told, asked[290:])
    assert resumed.ask(2000) == whole.ask(2000)


def test_a_space_that_is_too_large_is_refused_with_its_size_and_what_to_narrow() -> None:
    with pytest.raises(ConfigError) as refusal:
        grid(SearchSpace(SpaceOptions(), SIGNATURE, EPOCHS))
    assert "strategy.kind is grid, but the space has up to 3.4e+61 architectures" in str(refusal.value)
    assert "strategy.max_points, 10,000: narrow space.evolve_cell (times 6.0e+54)" in str(refusal.value)
    assert "raise strategy.max_points" in str(refusal.value)


def test_a_search_of_a_space_that_is_too_large_is_refused_before_anything_starts(tmp_path: Path) -> None:
    config, run = tmp_path / "grid.yaml", tmp_path / "run"
    config.write_text("{name: x, task: {kind: digits}, strategy: {kind: grid}, budget: {evaluations: 8}}")
    done = CliRunner().invoke(main, ["search", str(config), "--run", str(run), "--inline"])
    assert done.exit_code == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: strategy.kind is grid, but the space has up to ")
    assert not run.exists()


def test_only_the_options_are_named_without_which_the_space_is_small_enough() -> None:
    with pytest.raises(ConfigError) as refusal:
        grid(space(learning_rates={"count": 9}, widths=[4, 8, 16, 32]), max_points=300)
    message = str(refusal.value)
    assert "up to 3,600 architectures; must be at most strategy.max_points, 300" in message
    assert "narrow space.widths (times 16), raise" in message


def test_as_many_as_are_permitted_are_accepted() -> None:
    assert grid(space(), max_points=1140).ask(1)
    with pytest.raises(
        ConfigError, match="up to 1,140 architectures; must be at most strategy.max_points, 1,139"
    ):
        grid(space(), max_points=1139)


@pytest.mark.parametrize("size", range(1, 40))
def test_a_far_step_visits_all_places_of_a_circle(size: int) -> None:
    step = far_step(size)
    assert len({place * step % size for place in range(size)}) == size
    assert math.gcd(step, size) == 1
