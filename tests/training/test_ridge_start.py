from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch

from evo_nas.config import TrainingConfig
from evo_nas.genome.architecture import Architecture, Forecast, Head, Layer, Signature
from evo_nas.genome.blocks import Columns, Front, Shortcut
from evo_nas.genome.cells import NAMED_CELLS
from evo_nas.genome.parameters import count_parameters
from evo_nas.models.network import Network
from evo_nas.tasks.dataset import Dataset, Objective, Windows
from evo_nas.tasks.metrics import MAE
from evo_nas.tasks.panel import PanelTask
from evo_nas.tasks.quantiles import wql
from evo_nas.training import ridge_start
from evo_nas.training.batches import WindowSplit, prepare
from evo_nas.training.forward import score
from evo_nas.training.losses import TrainingLoss
from evo_nas.training.ridge_start import start_shortcut
from evo_nas.training.trainer import train

WINDOW, HORIZON = 6, 2


def waves(rows: int = 400, *, noise: float = 0.0, holes: float = 0.0) -> Dataset:
    """Two waves, of which every value is a linear function of the two before it, each about a level of its own."""
    rng = np.random.default_rng(0)
    values = np.sin(0.7 * np.arange(rows)[:, None] + np.array([0.0, 1.0])) + np.array([3.0, -2.0])
    values += noise * rng.normal(size=values.shape)
    inputs = values.astype(np.float32)
    targets = np.where(rng.random(inputs.shape) < holes, np.nan, inputs).astype(np.float32)
    parts = np.split(np.arange(WINDOW, rows - HORIZON), [rows // 2, 3 * rows // 4])
    windows = (Windows(inputs, targets, origins, WINDOW, HORIZON) for origins in parts)
    signature = Signature(features=2, outputs=4, last_values=(0, 1), horizon=HORIZON)
    return Dataset("waves", signature, Objective.MSE, MAE, *windows, has_target_holes=holes > 0)


def begun(
    dataset: Dataset, shortcut: str, forecast: Forecast = Forecast.RELATIVE, **settings: object
) -> Network:
    """Returns a network as it is before its first step."""
    architecture = Architecture(
        (Layer(NAMED_CELLS["mgu"], 3),), shortcut=Shortcut.of(shortcut), forecast=forecast, **settings
    )
    network, data = Network(architecture, dataset.signature), prepare(dataset)
    start_shortcut(network, data)
    return network


def forecasts(network: Network, part: Windows) -> torch.Tensor:
    with torch.no_grad():
        outputs: torch.Tensor = network(torch.from_numpy(part.cut().inputs))
    return outputs


@pytest.mark.parametrize("forecast", Forecast)
@pytest.mark.parametrize("shortcut", ["shared", "full"])
@pytest.mark.parametrize("holes", [0.0, 0.3])
def test_network_begins_as_the_linear_forecast(shortcut, forecast, holes) -> None:
    dataset = waves(holes=holes)
    network = begun(dataset, shortcut, forecast)
    errors = forecasts(network, dataset.test) - torch.from_numpy(waves().test.cut().targets)
    # One bias serves both levels of values, so that only changes can be exact there.
    exact = shortcut == "full" or forecast is not Forecast.VALUE
    tolerance = 0.06 if holes else 0.01
    assert errors.abs().mean() < (tolerance if exact else 0.2)


@pytest.mark.parametrize(
    "settings",
    [{"columns": Columns.APART}, {"head": Head(segment=1)}, {"front": Front.of("segments 3")}],
    ids=str,
)
def test_other_blocks_leave_the_start_as_it_is(settings) -> None:
    dataset = waves()
    plain, network = begun(dataset, "shared"), begun(dataset, "shared", **settings)
    assert torch.equal(forecasts(network, dataset.test), forecasts(plain, dataset.test))
    counted = count_parameters(network.architecture, dataset.signature)
    assert sum(each.numel() for each in network.parameters()) == counted


def test_levels_begin_at_the_quantiles_of_the_errors() -> None:
    levels = (0.1, 0.5, 0.9)
    points = waves(4000, noise=0.3)
    signature = Signature(features=2, outputs=12, last_values=(0, 0, 0, 1, 1, 1), horizon=HORIZON)
    dataset = replace(
        points,
        signature=signature,
        objective=Objective.QUANTILE,
        metric=wql(levels, (1.0, 1.0), (0.0, 0.0)),
        quantiles=levels,
    )
    for shortcut in ("shared", "full"):
        outputs = forecasts(begun(dataset, shortcut), dataset.test).view(-1, 4, 3)
        targets = torch.from_numpy(dataset.test.cut().targets)[..., None]
        below = (targets <= outputs).float().mean(dim=(0, 1))
        torch.testing.assert_close(below, torch.tensor(levels), atol=0.05, rtol=0.0)


@dataclass(frozen=True, slots=True)
class CountedSplit(WindowSplit):
    passes: list[int] | None = None

    def in_order(self, size):
        assert self.passes is not None
        self.passes.append(1)
        return WindowSplit.in_order(self, size)


def test_regression_is_fitted_once_for_all_candidates_of_all_threads() -> None:
    data = prepare(waves())
    split = data.train
    assert isinstance(split, WindowSplit)
    passes: list[int] = []
    counted = CountedSplit(
        split.inputs, split.targets, split.origins, split.window, split.horizon, passes=passes
    )
    data = replace(data, train=counted)

    def trained(seed: int) -> float:
        architecture = Architecture(
            (Layer(NAMED_CELLS["mgu"], 3),), shortcut=Shortcut.of("shared"), forecast=Forecast.CHANGE
        )
        return train(architecture, data, TrainingConfig(), epochs=1, seed=seed).outcome.fitness or 0.0

    with ThreadPoolExecutor(3) as threads:
        assert len(set(threads.map(trained, range(3)))) == 3
    assert len(passes) == 1


def test_shortcut_learns_at_a_tenth_of_the_rate() -> None:
    network = begun(waves(), "shared")
    factors = dict(zip((name for name, _ in network.named_parameters()), network.rate_factors, strict=True))
    assert {name for name, factor in factors.items() if factor != 1.0} == {"shortcut.weight", "shortcut.bias"}
    assert factors["shortcut.weight"] == 0.1


def test_few_of_many_windows_give_nearly_the_same_start(monkeypatch) -> None:
    dataset = waves(2000, noise=0.1)
    whole = begun(dataset, "shared")
    monkeypatch.setattr(ridge_start, "MOST_PRODUCTS", 2e4)
    monkeypatch.setattr(ridge_start, "BLOCK_VALUES", 50)
    few = begun(dataset, "shared")
    assert not torch.equal(few.shortcut.weight, whole.shortcut.weight)
    torch.testing.assert_close(few.shortcut.weight, whole.shortcut.weight, atol=0.1, rtol=0.0)


def test_map_that_is_too_wide_starts_at_zero(monkeypatch) -> None:
    monkeypatch.setattr(ridge_start, "MOST_INPUTS", WINDOW - 1)
    network = begun(waves(), "shared")
    assert not network.shortcut.weight.any()
    assert network.head.output.weight.any()


def test_panel_of_padded_series_begins_better_than_the_last_season(tmp_path) -> None:
    dataset = PanelTask.sample(tmp_path).read().dataset
    data = prepare(dataset)
    losses = []
    for shortcut in ("none", "full"):
        architecture = Architecture(
            (Layer(NAMED_CELLS["mgu"], 3),), shortcut=Shortcut.of(shortcut), forecast=Forecast.CHANGE
        )
        network = Network(architecture, dataset.signature)
        for parameter in network.head.output.parameters():
            torch.nn.init.zeros_(parameter)
        start_shortcut(network, data)
        loss = TrainingLoss(dataset.objective, levels=data.levels)
        losses.append(score(network, data.train, loss=loss, metric=dataset.metric).loss)
    assert losses[1] < 0.9 * losses[0]
