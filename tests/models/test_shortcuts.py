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
from evo_nas.models.shortcuts import FlatLine, FullLine, NgramTable, SharedLine

PLAIN = Architecture((Layer(NAMED_CELLS["mgu"], 3),))
SERIES = Signature(features=3, outputs=4, last_values=(2, 0), steps=5, horizon=2)
LEVELS = Signature(features=3, outputs=12, last_values=(2, 2, 2, 0, 0, 0), steps=5, horizon=2)
CLASSES = Signature(features=3, outputs=4, steps=5)
TEXTS = Signature(features=0, vocabulary=9, outputs=2, steps=5)
LANGUAGE = Signature(features=0, vocabulary=9, outputs=9, per_step=True, predicts_inputs=True)


def with_shortcut(text: str, forecast: Forecast = Forecast.VALUE) -> Architecture:
    return replace(PLAIN, shortcut=Shortcut.of(text), forecast=forecast)


def spread(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1))


def inputs_for(signature: Signature) -> torch.Tensor:
    if not signature.vocabulary:
        return spread(2, 5, 3)
    return torch.randint(9, (2, 5), generator=torch.Generator().manual_seed(1))


def table_of(ngrams: str, signature: Signature) -> NgramTable:
    table = NgramTable(Shortcut.of(f"ngrams {ngrams}").ngrams, signature)
    # As after training: the row of what is no n-gram has no gradient, and stays at zero.
    table.table.data[1:] = spread(*table.table[1:].shape)
    return table


@pytest.mark.parametrize(
    ("text", "signature"),
    [
        ("shared", SERIES),
        ("shared", LEVELS),
        ("full", SERIES),
        ("full", replace(SERIES, last_values=())),
        ("flat", CLASSES),
        ("pooled", replace(CLASSES, steps=0)),
        ("ngrams 1-2 x 32", TEXTS),
        ("ngrams 1-3 x 32", LANGUAGE),
    ],
)
def test_network_with_a_shortcut_has_the_parameters_that_were_counted(text, signature) -> None:
    architecture = replace(with_shortcut(text), embedding=2 if signature.vocabulary else None)
    network = Network(architecture, signature)
    steps = (5,) if signature.per_step else ()
    assert network(inputs_for(signature)).shape == (2, *steps, signature.outputs)
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
        ("ngrams 1-2 x 8", CLASSES, "the inputs are numbers"),
    ],
)
def test_shortcut_that_does_not_fit_the_task_is_refused(text, signature, reason) -> None:
    with pytest.raises(GenomeError, match=f"architecture.shortcut is {text}, .*{reason}"):
        Network(with_shortcut(text), signature)


def test_line_refuses_to_read_in_pieces() -> None:
    with pytest.raises(GenomeError, match="PooledLine reads whole sequences"):
        Network(with_shortcut("pooled"), CLASSES).forward_from(spread(2, 5, 3))


def test_text_is_the_sum_of_its_ngrams_over_the_root_of_their_number() -> None:
    table = table_of("1-2 x 512", TEXTS)
    tokens = torch.tensor([[3, 4, 3]])
    alone = {run: table(torch.tensor([run]), None)[0] for run in ((3,), (4,))}
    pairs = {
        run: table(torch.tensor([run]), None)[0] * 3**0.5 - sum(alone[token,] for token in run)
        for run in ((3, 4), (4, 3))
    }
    wanted = (2 * alone[3,] + alone[4,] + pairs[3, 4] + pairs[4, 3]) / 5**0.5
    torch.testing.assert_close(table(tokens, None)[0], wanted)


def test_padding_adds_no_ngrams() -> None:
    for signature in (TEXTS, LANGUAGE):
        table, tokens = table_of("1-3 x 64", signature), inputs_for(signature)
        padded, alone = table(tokens, torch.tensor([3, 3])), table(tokens[:, :3], None)
        torch.testing.assert_close(padded[:, :3] if signature.per_step else padded, alone)


def test_text_that_is_shorter_than_all_ngrams_adds_nothing() -> None:
    assert not table_of("3-4 x 64", TEXTS)(torch.tensor([[1, 2]]), None).any()


def test_step_has_the_ngrams_that_end_there() -> None:
    table, tokens = table_of("1-2 x 64", LANGUAGE), inputs_for(LANGUAGE)
    changed = tokens.clone()
    changed[:, 2] = (changed[:, 2] + 1) % 9
    differs = (table(tokens, None) != table(changed, None)).any(dim=-1)
    assert differs.tolist() == [[False, False, True, True, False]] * 2


@pytest.mark.parametrize("ngrams", ["1-1 x 64", "2-4 x 64"])
def test_pieces_of_a_text_give_what_the_whole_gives(ngrams) -> None:
    architecture = replace(with_shortcut(f"ngrams {ngrams}"), embedding=2)
    network, tokens = Network(architecture, LANGUAGE), inputs_for(LANGUAGE)
    network.shortcut = table_of(ngrams, LANGUAGE)
    states, outputs = None, []
    for piece in (tokens[:, :1], tokens[:, 1:4], tokens[:, 4:]):
        found, states = network.forward_from(piece, states)
        outputs.append(found)
    torch.testing.assert_close(torch.cat(outputs, dim=1), network(tokens))


def test_ngrams_of_a_whole_text_refuse_to_read_in_pieces() -> None:
    architecture = replace(with_shortcut("ngrams 1-2 x 8"), embedding=2)
    with pytest.raises(GenomeError, match="call the network with the whole"):
        Network(architecture, TEXTS).forward_from(inputs_for(TEXTS))


def test_gradient_of_a_table_reaches_the_rows_that_were_read() -> None:
    table = table_of("1-1 x 512", TEXTS)
    table.table.grad = torch.zeros_like(table.table)
    buffer = table.table.grad
    table(torch.tensor([[3, 4, 3, 3]]), None).sum().backward()
    assert sorted(buffer[buffer.any(dim=1)].tolist()) == [[0.5, 0.5], [1.5, 1.5]]
    assert not buffer[0].any()
