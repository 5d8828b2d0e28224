from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from evo_nas.errors import GenomeError
from evo_nas.genome.architecture import Architecture, Forecast, Layer, Signature
from evo_nas.genome.blocks import Shortcut
from evo_nas.genome.cells import NAMED_CELLS
from evo_nas.genome.parameters import count_parameters
from evo_nas.models.network import Network
from evo_nas.models.shortcuts import FlatLine, FullLine, SharedLine

PLAIN = Architecture((Layer(NAMED_CELLS["mgu"], 3),))
SERIES = Signature(features=3, outputs=4, last_values=(2, 0), steps=5, horizon=2)
LEVELS = Signature(features=3, outputs=12, last_values=(2, 2, 2, 0, 0, 0), steps=5, horizon=2)
CLASSES = Signature(features=3, outputs=4, steps=5)


def with_shortcut(text: str, forecast: Forecast = Forecast.VALUE) -> Architecture:
    return replace(PLAIN, shortcut=Shortcut.of(text), forecast=forecast)


def spread(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(
    ("text", "signature"),
    [
        ("shared", SERIES),
        ("shared", LEVELS),
        ("full", SERIES),
        ("full", replace(SERIES, last_values=())),
        ("flat", CLASSES),
        ("pooled", replace(CLASSES, steps=0)),
    ],
)
def test_network_with_a_shortcut_has_the_parameters_that_were_counted(text, signature) -> None:
    architecture = with_shortcut(text)
    network = Network(architecture, signature)
    assert network(spread(2, 5, 3)).shape == (2, signature.outputs)
    assert sum(each.numel() for each in network.parameters()) == count_parameters(architecture, signature)


@pytest.mark.parametrize(("text", "signature"), [("shared", SERIES), ("full", SERIES), ("flat", CLASSES)])
def test_shortcut_changes_no_weight_of_the_rest_and_adds_nothing_at_first(text, signature) -> None:
    inputs, outputs = spread(2, 5, 3), []
    for architecture in (PLAIN, with_shortcut(text)):
        torch.manual_seed(0)
        outputs.append(Network(architecture, signature)(inputs))
    assert torch.equal(*outputs)


def test_shared_line_maps_the_window_of_each_target_alike() -> None:
    line = SharedLine(SERIES, relative=False)
    inputs = spread(2, 5, 3)
    line.weight.data, line.bias.data = spread(2, 5), torch.arange(4.0)
    outputs = line(inputs, None)
    for place, (step, feature) in enumerate([(0, 2), (0, 0), (1, 2), (1, 0)]):
        wanted = inputs[:, :, feature] @ line.weight[step] + place
        torch.testing.assert_close(outputs[:, place], wanted)


def test_shared_line_is_the_same_for_all_levels_of_a_target() -> None:
    levels, single = SharedLine(LEVELS, relative=True), SharedLine(SERIES, relative=True)
    levels.weight.data = single.weight.data = spread(2, 5)
    inputs = spread(2, 5, 3)
    assert torch.equal(levels(inputs, None), single(inputs, None).repeat_interleave(3, dim=1))


def test_targets_become_lines_in_the_order_in_which_lines_become_outputs() -> None:
    line, targets = SharedLine(SERIES, relative=False), spread(2, 4)
    lines = line.as_lines(targets)
    assert torch.equal(line.as_outputs(lines.view(2, 2, 2)), targets)


@pytest.mark.parametrize("text", ["shared", "full"])
@pytest.mark.parametrize("forecast", [Forecast.CHANGE, Forecast.RELATIVE])
def test_change_is_forecast_from_changes(text, forecast) -> None:
    network = Network(with_shortcut(text, forecast), SERIES)
    assert network.shortcut is not None
    network.shortcut.weight.data = spread(*network.shortcut.weight.shape)
    inputs = spread(2, 5, 3)
    added = network.shortcut(inputs, None)
    torch.testing.assert_close(network.shortcut(inputs + 7.0, None), added)
    plain = Network(replace(PLAIN, forecast=forecast), SERIES)
    plain.load_state_dict(network.state_dict(), strict=False)
    torch.testing.assert_close(network(inputs), plain(inputs) + added)


@pytest.mark.parametrize("line", [SharedLine(SERIES, relative=True), FullLine(SERIES, relative=True)])
def test_padded_window_counts_from_its_end(line) -> None:
    line.weight.data = spread(*line.weight.shape)
    inputs = spread(2, 5, 3)
    padded = torch.cat([inputs[:, :3], torch.full((2, 4, 3), 9.0)], dim=1)
    alone = line(inputs[:, :3], None)
    torch.testing.assert_close(line(padded, torch.tensor([3, 3])), alone)
    longer = torch.cat([spread(2, 4, 3), inputs], dim=1)
    torch.testing.assert_close(line(longer, None), line(inputs, None))
    torch.testing.assert_close(line(longer, torch.tensor([9, 9])), line(inputs, None))


def test_flat_line_reads_the_first_steps_and_no_padding() -> None:
    line = FlatLine(CLASSES)
    line.weight.data = spread(4, 15)
    inputs = spread(2, 8, 3)
    torch.testing.assert_close(line(inputs, None), inputs[:, :5].flatten(1) @ line.weight.T)
    short = inputs[:, :3].flatten(1) @ line.weight[:, :9].T
    torch.testing.assert_close(line(inputs[:, :3], None), short)
    torch.testing.assert_close(line(inputs[:, :4], torch.tensor([3, 3])), short)


@pytest.mark.parametrize(
    ("text", "signature", "reason"),
    [
        ("shared", CLASSES, "no forecast of a window"),
        ("shared", replace(SERIES, last_values=()), "does not read all targets"),
        ("shared", replace(SERIES, last_values=(2, 0, 1, 1)), "counted from different features"),
        ("flat", SERIES, "no sequence of numbers with one output"),
    ],
)
def test_shortcut_that_does_not_fit_the_task_is_refused(text, signature, reason) -> None:
    with pytest.raises(GenomeError, match=f"architecture.shortcut is {text}, .*{reason}"):
        Network(with_shortcut(text), signature)


def test_line_refuses_to_read_in_pieces() -> None:
    with pytest.raises(GenomeError, match="PooledLine reads whole sequences"):
        Network(with_shortcut("pooled"), CLASSES).forward_from(spread(2, 5, 3))
