"""Training and scores where targets are quantiles or have holes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from evo_nas.config import TrainingConfig
from evo_nas.evaluation import Status
from evo_nas.genome.architecture import Architecture, Forecast, Signature
from evo_nas.tasks.dataset import Dataset, Objective, Sequences, Windows
from evo_nas.tasks.metrics import MAE, error_metric
from evo_nas.tasks.quantiles import coverage, wql
from evo_nas.training.batches import prepare
from evo_nas.training.forward import score_part
from evo_nas.training.trainer import Trained, train
from tests.training.fake_cuda_graph import FakeCudaGraph

LEVELS = (0.1, 0.5, 0.9)


def steps_ahead(count: int, seed: int) -> Sequences:
    """Walks of 4 steps, and the two values that follow each."""
    walks = np.random.default_rng(seed).normal(size=(count, 6, 1)).cumsum(axis=1).astype(np.float32)
    return Sequences(walks[:, :4], walks[:, 4:, 0])


@pytest.fixture
def walks() -> Dataset:
    return Dataset(
        "walks",
        Signature(features=1, outputs=2, last_values=(0,)),
        Objective.MSE,
        MAE,
        *(steps_ahead(count, seed) for seed, count in enumerate((200, 100, 400))),
    )


def fit(architecture: Architecture, dataset: Dataset, epochs: int = 2) -> Trained:
    trained = train(architecture, prepare(dataset), TrainingConfig(), epochs=epochs, seed=1)
    assert trained.outcome.status is Status.OK, trained.outcome.error
    return trained


def weights_of(trained: Trained) -> torch.Tensor:
    assert trained.network is not None
    return torch.cat([weight.flatten() for weight in trained.network.state_dict().values()])


def with_holes(part: Sequences, filling: float) -> Sequences:
    targets = part.targets.astype(np.float32)
    targets[::3, 1] = filling
    return replace(part, targets=targets)


@pytest.mark.parametrize("objective", [Objective.MSE, Objective.QUANTILE])
def test_a_hole_in_the_training_part_is_learnt_around(architecture, walks, objective) -> None:
    if objective is Objective.QUANTILE:
        walks = quantiles_of(walks)
    holes = replace(walks, train=with_holes(walks.train, np.nan), has_target_holes=True)
    trained = fit(architecture, holes)
    assert weights_of(trained).isfinite().all()
    assert not torch.equal(weights_of(trained), weights_of(fit(architecture, walks)))


def test_a_data_set_without_holes_is_learnt_as_if_holes_were_permitted(architecture, walks) -> None:
    plain, permitted = fit(architecture, walks), fit(architecture, replace(walks, has_target_holes=True))
    torch.testing.assert_close(weights_of(plain), weights_of(permitted))


def test_batches_weigh_as_much_as_they_have_known_targets(architecture, walks, monkeypatch) -> None:
    monkeypatch.setattr("evo_nas.training.forward.BATCH_SIZE", 7)
    holes = replace(walks, test=with_holes(walks.test, np.nan), has_target_holes=True)
    network = fit(architecture, holes).network
    errors = network(torch.from_numpy(holes.test.inputs)) - torch.from_numpy(holes.test.targets)
    scores = score_part(network, holes, "test")
    assert scores.loss == pytest.approx(errors.square().nanmean().item())
    assert scores.metric == pytest.approx(errors.abs().nanmean().item())


def test_windows_of_rows_may_have_holes(architecture, walks) -> None:
    values = np.random.default_rng(0).normal(size=(120, 1)).astype(np.float32)
    targets = values.copy()
    targets[5::6] = np.nan
    parts = [Windows(values, targets, np.arange(*ends), 4, 2) for ends in ((4, 60), (60, 90), (90, 119))]
    rows = replace(
        walks, train=parts[0], validation=parts[1], test=parts[2], has_target_holes=True, metric=MAE
    )
    assert np.isfinite(score_part(fit(architecture, rows).network, rows, "test").metric)


def quantiles_of(walks: Dataset) -> Dataset:
    return replace(
        walks,
        signature=Signature(features=1, outputs=2 * len(LEVELS), last_values=(0,) * len(LEVELS)),
        objective=Objective.QUANTILE,
        quantiles=LEVELS,
        metric=wql(LEVELS),
    )


@pytest.mark.parametrize("forecast", [Forecast.RELATIVE, Forecast.VALUE])
def test_quantiles_are_learnt_at_their_levels(architecture, walks, forecast) -> None:
    dataset = quantiles_of(replace(walks, train=steps_ahead(800, seed=7)))
    network = fit(replace(architecture, forecast=forecast), dataset, epochs=8).network
    covered = score_part(network, replace(dataset, metric=coverage(LEVELS)), "test").metric
    assert covered == pytest.approx(0.8, abs=0.1)
    assert (
        score_part(network, replace(dataset, metric=error_metric("mae", (1.0,), LEVELS)), "test").metric < 1.5
    )


@pytest.mark.parametrize("objective", [Objective.MSE, Objective.QUANTILE])
def test_a_step_with_holes_can_be_captured_as_a_graph(architecture, walks, objective, caplog) -> None:
    dataset = quantiles_of(walks) if objective is Objective.QUANTILE else walks
    data = prepare(replace(dataset, train=with_holes(walks.train, np.nan), has_target_holes=True))
    graphs = []

    def new_graph(generator: torch.Generator) -> FakeCudaGraph:
        graphs.append(FakeCudaGraph(generator))
        return graphs[-1]

    replayed, direct = (
        train(architecture, data, TrainingConfig(), epochs=4, seed=1, graphs=made)
        for made in (new_graph, None)
    )
    assert graphs
    assert replayed.outcome.metrics == pytest.approx(dict(direct.outcome.metrics), rel=1e-3)


def test_the_median_of_a_walk_changes_by_as_much_as_its_last_value(architecture, walks) -> None:
    dataset = quantiles_of(walks)
    network = fit(replace(architecture, forecast=Forecast.RELATIVE), dataset).network
    inputs = torch.from_numpy(dataset.test.inputs)
    torch.testing.assert_close(network(inputs + 100), network(inputs) + 100, rtol=1e-4, atol=1e-3)
