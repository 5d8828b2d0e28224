"""What a trained network does with data: its gates, how long its states remember, and what it hangs on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from evo_nas.genome.canonical import canonical, canonical_references
from evo_nas.genome.equations import STATES, gates_of
from evo_nas.genome.ops import Op
from evo_nas.models.eager import step_values, unrolled
from evo_nas.models.recurrence import Recurrence, valid_steps
from evo_nas.training.batches import as_split
from evo_nas.training.losses import Predictions

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch import Tensor

    from evo_nas.models.network import Network
    from evo_nas.tasks.dataset import Dataset
    from evo_nas.training.batches import Batch

SAMPLE = 256
"""Sequences that are looked at."""
SHUT, OPEN = 0.05, 0.95
"""A gate beyond these is saturated: it hardly reacts to its input, and hardly learns."""
MOST_FEATURES = 64
NUDGE = 1e-3
SEED = 0


@dataclass(frozen=True, slots=True)
class GateActivity:
    """What a gate does over a sample.

    Attributes:
        layer: Number of its layer, from 1.
        gate: Its name in the equations.
        mean: Mean over sequences, steps and units.
        spread: Standard deviation over these.
        shut: Share of values below `SHUT`.
        open: Share of values above `OPEN`.
    """

    layer: int
    gate: str
    mean: float
    spread: float
    shut: float
    open: float


@dataclass(frozen=True, slots=True)
class Timescale:
    """How long a state remembers.

    Attributes:
        layer: Number of its layer, from 1.
        state: Its letter in the equations.
        steps: Updates until a small change of the state has less than 1/e of its largest effect on the output; None if
            it has more at the end of the sample.
    """

    layer: int
    state: str
    steps: int | None


@dataclass(frozen=True, slots=True)
class Probe:
    """What a network does with a sample of the validation part.

    Attributes:
        metric: Name of the metric.
        value: The metric of the sample.
        gates: What each gate does.
        timescales: How long each state remembers.
        inputs: The metric after the values of an input were exchanged between sequences, by the name of the input.
        history: The metric where only so many of the last steps are given.
    """

    metric: str
    value: float
    gates: tuple[GateActivity, ...]
    timescales: tuple[Timescale, ...]
    inputs: Mapping[str, float]
    history: Mapping[int, float]


def probed(network: Network, dataset: Dataset) -> Probe:
    """Returns what ``network`` does with the first sequences of the validation part, without touching the test part."""
    split = as_split(dataset.validation, dataset.signature, torch.device("cpu"))
    batch = next(iter(split.in_order(SAMPLE)))
    with torch.inference_mode():
        read = _what_layers_read(network, batch)
        return Probe(
            metric=dataset.metric.name,
            value=_metric(network, batch, dataset),
            gates=tuple(each for number, given in read.items() for each in _gates(number, *given)),
            timescales=tuple(each for number, given in read.items() for each in _timescales(number, *given)),
            inputs=_by_input(network, batch, dataset),
            history=_by_history(network, batch, dataset),
        )


def _metric(network: Network, batch: Batch, dataset: Dataset) -> float:
    outputs = network(batch.inputs, batch.lengths)
    found, targets, _ = Predictions.of(outputs, batch, per_step=dataset.signature.per_step).counted()
    return dataset.metric.score(found.numpy(), targets.numpy())


def _what_layers_read(network: Network, batch: Batch) -> dict[int, tuple[Recurrence, Tensor, Tensor | None]]:
    """Returns for each layer by its number its recurrence, with the inputs and lengths that it was called with."""
    read: dict[int, tuple[Recurrence, Tensor, Tensor | None]] = {}
    recurrences = [module for module in network.modules() if isinstance(module, Recurrence)]
    for number, recurrence in enumerate(recurrences, start=1):
        read[number] = (recurrence, batch.inputs, batch.lengths)
    restore = [_recording(recurrence, number, read) for number, recurrence in enumerate(recurrences, start=1)]
    try:
        network(batch.inputs, batch.lengths)
    finally:
        for undo in restore:
            undo()
    return read


def _recording(
    recurrence: Recurrence, number: int, read: dict[int, tuple[Recurrence, Tensor, Tensor | None]]
) -> Callable[[], None]:
    """Notes what a recurrence is called with; returns what ends that."""
    forward, encode = recurrence.forward, recurrence.encode

    def noted_forward(inputs: Tensor, lengths: Tensor | None = None) -> Tensor:
        read[number] = (recurrence, inputs, lengths)
        return forward(inputs, lengths)

    def noted_encode(inputs: Tensor, lengths: Tensor | None = None) -> tuple[Tensor, Tensor]:
        read[number] = (recurrence, inputs, lengths)
        return encode(inputs, lengths)

    # Not a hook of torch: a decoder calls `encode`, which has none.
    vars(recurrence).update(forward=noted_forward, encode=noted_encode)

    def undo() -> None:
        for name in ("forward", "encode"):
            del vars(recurrence)[name]

    return undo


def _gates(layer: int, recurrence: Recurrence, inputs: Tensor, lengths: Tensor | None) -> list[GateActivity]:
    cell = recurrence.cell
    by_canonical = {same: reference for reference, same in canonical_references(cell).items()}
    names = {name: by_canonical[reference] for name, reference in gates_of(canonical(cell)).items()}
    values = _values_of(recurrence, inputs, list(names.values()))
    valid = None if lengths is None else valid_steps(lengths, inputs.shape[1])
    found = []
    for name, reference in names.items():
        over_time = torch.stack(values[reference], dim=1)  # (batch, time, width)
        if valid is not None:
            over_time = over_time[valid]
        shut, is_open = (over_time < SHUT).float().mean(), (over_time > OPEN).float().mean()
        mean, spread = over_time.mean(), over_time.std(correction=0)
        found.append(GateActivity(layer, name, float(mean), float(spread), float(shut), float(is_open)))
    return found


def _values_of(recurrence: Recurrence, inputs: Tensor, references: list[int]) -> dict[int, list[Tensor]]:
    """Returns the values with these references after each step, each ``(batch, width)``."""
    cell, xs = recurrence.cell, inputs.unbind(1)
    nodes = list(enumerate(cell.nodes))
    linears = {index: recurrence.linear(index, "") for index, node in nodes if node.op is Op.LINEAR}
    units = {
        index: recurrence.unit_weight(index, "").expand(len(inputs), recurrence.width)
        for index, node in nodes
        if node.op.row.unit_weight is not None
    }
    found: dict[int, list[Tensor]] = {reference: [] for reference in references}

    def step(time: int, states: list[Tensor], delayed: Mapping[int, Tensor]) -> list[Tensor]:
        values = step_values(cell, xs[time], states, linears=linears, given={**units, **delayed})
        for reference in references:
            found[reference].append(values[reference])
        return [values[reference] for reference in cell.outputs]

    unrolled(cell, step, recurrence.zero_states(inputs), None, steps=len(xs))
    return found


def _timescales(
    layer: int, recurrence: Recurrence, inputs: Tensor, lengths: Tensor | None
) -> list[Timescale]:
    """Nudges each state in the middle of the shortest sequence, and watches the output afterwards."""
    steps = inputs.shape[1] if lengths is None else int(lengths.min())
    middle = steps // 2
    if middle < 1:
        return []
    _, before = recurrence.forward_from(inputs[:, :middle], recurrence.zero_states(inputs))
    rest = inputs[:, middle:steps]
    plain, _ = recurrence.forward_from(rest, before)
    references = canonical_references(recurrence.cell)
    found = []
    for state in range(recurrence.cell.states):
        if 1 + state not in references:
            continue  # nothing reads it
        nudged = before.clone()
        nudged[state] += NUDGE
        changed, _ = recurrence.forward_from(rest, nudged)
        effect = (changed - plain).pow(2).mean(dim=(0, 2)).sqrt()  # (time,)
        above = (effect >= effect.max() / torch.e).nonzero()[:, 0]
        last = int(above[-1]) + 1 if effect.max() > 0 else 0
        letter = STATES[references[1 + state] - 1]
        found.append(Timescale(layer, letter, None if last == rest.shape[1] else last))
    return found


def _by_input(network: Network, batch: Batch, dataset: Dataset) -> dict[str, float]:
    """Exchanges one input between sequences at a time (permutation importance; Breiman, 2001)."""
    if dataset.signature.vocabulary or dataset.signature.features > MOST_FEATURES:
        return {}
    count = dataset.signature.features
    columns = () if dataset.preparation is None else getattr(dataset.preparation.inputs, "columns", ())
    # Masks and known futures are inputs that no column of the data has the name of.
    names = [*columns, *(f"input {number}" for number in range(len(columns) + 1, count + 1))]
    order = torch.randperm(len(batch.inputs), generator=torch.Generator().manual_seed(SEED))
    found = {}
    for feature, name in enumerate(names[:count]):
        inputs = batch.inputs.clone()
        inputs[..., feature] = inputs[order][..., feature]
        found[name] = _metric(network, batch._replace(inputs=inputs), dataset)
    return found


def _by_history(network: Network, batch: Batch, dataset: Dataset) -> dict[int, float]:
    """Gives only the last steps, 1, 2, 4 and so on, where a sequence as a whole has one answer."""
    if dataset.signature.per_step:
        return {}
    time = batch.inputs.shape[1]
    lengths = torch.full((len(batch.inputs),), time) if batch.lengths is None else batch.lengths
    found, steps = {}, 1
    while steps < 2 * time:
        kept = min(steps, time)
        at = (lengths[:, None] - lengths.clamp(max=kept)[:, None] + torch.arange(kept)).clamp(max=time - 1)
        rows = torch.arange(len(at))[:, None]
        cut = batch._replace(inputs=batch.inputs[rows, at], lengths=lengths.clamp(max=kept))
        found[kept] = _metric(network, cut, dataset)
        steps *= 2
    return found
