"""Linear paths from the input of a network to its outputs; `genome.blocks.ShortcutKind` lists the kinds."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from evo_nas.errors import GenomeError
from evo_nas.genome.architecture import Forecast
from evo_nas.genome.blocks import ShortcutKind
from evo_nas.genome.fitting import shortcut_obstacle
from evo_nas.models.hashing import NO_NGRAM, hashed_ngrams, tokens_before
from evo_nas.models.head import MaxOverTime, MeanOverTime
from evo_nas.models.layers import last_step
from evo_nas.models.recurrence import valid_steps

if TYPE_CHECKING:
    from evo_nas.genome.architecture import Architecture, Signature
    from evo_nas.genome.blocks import Ngrams
    from evo_nas.models.recurrent_layer import States


class LinearShortcut(nn.Module):
    """A linear map of what it reads, zero until it is trained or given weights.

    Attributes:
        weight: ``(lines, width)``.
        bias: ``(outputs,)``.
        rate_factor: Its learning rate as a multiple of that of the network.
    """

    rate_factor = 1.0

    def __init__(self, width: int, lines: int, outputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(lines, width))
        self.bias = nn.Parameter(torch.zeros(outputs))

    @abstractmethod
    def read(self, inputs: Tensor, lengths: Tensor | None) -> Tensor:
        """Returns what the map is applied to, ``(batch, ..., width)``.

        Args:
            inputs: Input of the network, ``(batch, time, features)``.
            lengths: int64 ``(batch,)``; None if no sequence is padded.
        """

    def forward(self, inputs: Tensor, lengths: Tensor | None) -> Tensor:
        """Returns what is added to the outputs, ``(batch, outputs)``; arguments are those of `read`."""
        return self.as_outputs(functional.linear(self.read(inputs, lengths), self.weight)) + self.bias

    def forward_from(self, inputs: Tensor, states: States | None) -> tuple[Tensor, States]:  # noqa: ARG002
        """Refuses to read a sequence in pieces.

        Raises:
            GenomeError: Always.
        """
        raise GenomeError(
            f"a {type(self).__name__} reads whole sequences; call the network with the whole, or choose no shortcut"
        )

    def step(self, inputs: Tensor, states: States) -> tuple[Tensor, States]:
        """Returns what is added to the outputs for the steps so far ``(batch, outputs)``, and the states after this.

        Args:
            inputs: The present step, ``(batch, features)``.
            states: Those after the step before; see `zero_states`.
        """
        read, after = self._read_step(inputs, states)
        return self.as_outputs(functional.linear(read, self.weight)) + self.bias, after

    @abstractmethod
    def _read_step(self, inputs: Tensor, states: States) -> tuple[Tensor, States]:
        """Returns what `read` does of the steps so far, and the states after this one; see `step`."""

    @abstractmethod
    def zero_states(self, inputs: Tensor) -> States:
        """Returns the states before the first step, each ``(any, batch, ...)``.

        Args:
            inputs: Any step, ``(batch, features)``, for its shape.
        """

    def as_outputs(self, lines: Tensor) -> Tensor:
        """Returns ``lines`` ``(batch, ..., lines)`` in the order of the outputs, ``(batch, outputs)``."""
        return lines

    def as_lines(self, targets: Tensor) -> Tensor:
        """Returns ``targets`` ``(batch, targets)``, ordered as outputs without levels, as ``(rows, lines)``."""
        return targets


class SharedLine(LinearShortcut):
    """One map from the window of each target to its horizon, the same for all targets (Zeng et al., 2023).

    Args:
        signature: Shapes of a forecast that reads all targets.
        relative: Whether windows are read less their last step.
    """

    rate_factor = 0.1
    columns: Tensor
    """Feature of each target, int64 ``(targets,)``."""

    def __init__(self, signature: Signature, *, relative: bool) -> None:
        super().__init__(signature.steps, signature.horizon, signature.outputs)
        columns = tuple(dict.fromkeys(signature.last_values))
        self.register_buffer("columns", torch.tensor(columns), persistent=False)
        self._levels = len(signature.last_values) // len(columns)
        self._relative = relative

    def read(self, inputs: Tensor, lengths: Tensor | None) -> Tensor:
        """Returns the windows of the targets, ``(batch, targets, steps)``; see `LinearShortcut.read`."""
        values = inputs[:, :, self.columns]
        return _latest(values, lengths, self.weight.shape[1], relative=self._relative).transpose(1, 2)

    def _read_step(self, inputs: Tensor, states: States) -> tuple[Tensor, States]:
        window, after = _window_after(inputs[:, self.columns], states, relative=self._relative)
        return window.permute(1, 2, 0), after

    def zero_states(self, inputs: Tensor) -> States:
        """Returns an empty window of the targets; see `LinearShortcut.zero_states`."""
        return _no_window(inputs[:, self.columns], self.weight.shape[1], relative=self._relative)

    def as_outputs(self, lines: Tensor) -> Tensor:
        """Returns ``lines`` ``(batch, targets, horizon)`` by step, target and level."""
        by_step = lines.transpose(1, 2)
        return (by_step.repeat_interleave(self._levels, dim=2) if self._levels > 1 else by_step).flatten(1)

    def as_lines(self, targets: Tensor) -> Tensor:
        """Returns ``targets`` ``(batch, horizon * targets)`` as ``(batch * targets, horizon)``."""
        return targets.view(len(targets), -1, len(self.columns)).transpose(1, 2).flatten(0, 1)


class FullLine(LinearShortcut):
    """A map from the window of all features to all outputs of a forecast.

    Args:
        signature: Shapes of a forecast.
        relative: Whether windows are read less their last step.
    """

    rate_factor = 0.1

    def __init__(self, signature: Signature, *, relative: bool) -> None:
        super().__init__(signature.steps * signature.features, signature.outputs, signature.outputs)
        self._steps = signature.steps
        self._relative = relative

    def read(self, inputs: Tensor, lengths: Tensor | None) -> Tensor:
        """Returns the last steps, ``(batch, steps * features)``; see `LinearShortcut.read`."""
        return _latest(inputs, lengths, self._steps, relative=self._relative).flatten(1)

    def _read_step(self, inputs: Tensor, states: States) -> tuple[Tensor, States]:
        window, after = _window_after(inputs, states, relative=self._relative)
        return window.transpose(0, 1).flatten(1), after

    def zero_states(self, inputs: Tensor) -> States:
        """Returns an empty window of all features; see `LinearShortcut.zero_states`."""
        return _no_window(inputs, self._steps, relative=self._relative)


class FlatLine(LinearShortcut):
    """A map from all steps of a sequence to the outputs; of a sequence that is too long it reads the first steps."""

    def __init__(self, signature: Signature) -> None:
        super().__init__(signature.steps * signature.features, signature.outputs, signature.outputs)
        self._steps = signature.steps

    def read(self, inputs: Tensor, lengths: Tensor | None) -> Tensor:
        """Returns the steps, zeros after the end, ``(batch, steps * features)``; see `LinearShortcut.read`."""
        if lengths is not None:
            inputs = inputs.masked_fill(~valid_steps(lengths, inputs.shape[1])[..., None], 0.0)
        # A negative padding cuts off what is too long.
        return functional.pad(inputs, (0, 0, 0, self._steps - inputs.shape[1])).flatten(1)

    def _read_step(self, inputs: Tensor, states: States) -> tuple[Tensor, States]:
        places = torch.arange(self._steps, device=inputs.device)[:, None, None]
        read = torch.where(places == states["position"][..., None], inputs, states["steps"])
        after = {"steps": read, "position": states["position"] + 1.0}
        return read.transpose(0, 1).flatten(1), after

    def zero_states(self, inputs: Tensor) -> States:
        """Returns no steps, and the place of the first; see `LinearShortcut.zero_states`."""
        rows, features = inputs.shape
        return {"steps": inputs.new_zeros(self._steps, rows, features), "position": inputs.new_zeros(1, rows)}


class PooledLine(LinearShortcut):
    """A map from mean and maximum over the steps of a sequence to the outputs."""

    def __init__(self, signature: Signature) -> None:
        super().__init__(2 * signature.features, signature.outputs, signature.outputs)
        self._mean, self._max = MeanOverTime(), MaxOverTime()

    def read(self, inputs: Tensor, lengths: Tensor | None) -> Tensor:
        """Returns mean and maximum, ``(batch, 2 * features)``; see `LinearShortcut.read`."""
        return torch.cat([self._mean(inputs, lengths), self._max(inputs, lengths)], dim=1)

    def _read_step(self, inputs: Tensor, states: States) -> tuple[Tensor, States]:
        mean, of_mean = self._mean.step(inputs, states)
        largest, of_max = self._max.step(inputs, states)
        return torch.cat([mean, largest], dim=1), of_mean | of_max

    def zero_states(self, inputs: Tensor) -> States:
        """Returns the states of both poolings; see `LinearShortcut.zero_states`."""
        return self._mean.zero_states(inputs) | self._max.zero_states(inputs)


class NgramTable(nn.Module):
    """A table of the contributions of hashed n-grams to the outputs, zero until it is trained (Joulin et al., 2017).

    Where every step has an output, those of the n-grams that end there are added up; otherwise those of the whole
    sequence, divided by the root of their number, so that long texts have outputs of the size of short ones.

    Args:
        ngrams: Which runs of tokens are hashed.
        signature: Shapes of the task.

    Attributes:
        table: ``(rows, outputs)``.
        rate_factor: Its learning rate as a multiple of that of the network: most rows are rarely met.
    """

    rate_factor = 3.0

    def __init__(self, ngrams: Ngrams, signature: Signature) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.zeros(ngrams.rows, signature.outputs))
        self._ngrams = ngrams
        self._per_step = signature.per_step

    def forward(self, tokens: Tensor, lengths: Tensor | None) -> Tensor:
        """Returns what is added to the outputs, ``(batch, outputs)`` or ``(batch, time, outputs)``.

        Args:
            tokens: Input of the network, int64 ``(batch, time)``.
            lengths: int64 ``(batch,)``; None if no sequence is padded.
        """
        rows = hashed_ngrams(tokens, self._ngrams, lengths)  # (batch, time, orders)
        if self._per_step:
            return self._sums(rows)
        rows = rows.flatten(1)
        return self._sums(rows) / (rows != NO_NGRAM).sum(dim=1, keepdim=True).clamp(min=1).sqrt()

    def forward_from(self, tokens: Tensor, states: States | None) -> tuple[Tensor, States]:
        """Returns what is added to the outputs of the next piece of long sequences, and the states after it.

        Args:
            tokens: As for `forward`, without padding.
            states: What the call for the piece before returned; None at the beginning.

        Raises:
            GenomeError: The sequence as a whole has one output.
        """
        if not self._per_step:
            raise GenomeError("n-grams of whole sequences are added up; call the network with the whole")
        before = None if states is None else states["tokens"]
        sums = self._sums(hashed_ngrams(tokens, self._ngrams, before=before))
        return sums, {"tokens": tokens_before(tokens, self._ngrams, before)}

    def step(self, tokens: Tensor, states: States) -> tuple[Tensor, States]:
        """Returns what is added to the outputs for the tokens so far ``(batch, outputs)``, and the states after this.

        Args:
            tokens: The present token of each sequence, int64 ``(batch,)``.
            states: Those after the token before; see `zero_states`.
        """
        before = states.get("tokens", tokens.new_zeros(0, tokens.shape[0]))
        rows = hashed_ngrams(tokens[:, None], self._ngrams, before=before)[:, 0]  # (batch, orders)
        sums, after = self._sums(rows), dict(states)
        if "tokens" in states:
            after["tokens"] = tokens_before(tokens[:, None], self._ngrams, before)
        if self._per_step:
            return sums, after
        after["sums"] = states["sums"] + sums
        after["runs"] = states["runs"] + (rows != NO_NGRAM).sum(dim=1).to(sums.dtype)
        return (after["sums"] / after["runs"].clamp(min=1.0).sqrt()[..., None])[0], after

    def zero_states(self, tokens: Tensor) -> States:
        """Returns the states before the first token, for any ``tokens`` ``(batch,)``: those before, sums, and runs."""
        rows, reach = len(tokens), self._ngrams.longest - 1
        states = {"tokens": tokens.new_zeros(reach, rows)} if reach else {}
        if not self._per_step:
            states["sums"] = self.table.new_zeros(1, rows, self.table.shape[1])
            states["runs"] = self.table.new_zeros(1, rows)
        return states

    def _sums(self, rows: Tensor) -> Tensor:
        """Returns the sums ``(..., outputs)`` of the ``rows`` ``(..., n)`` of the table."""
        # A sparse gradient is added to a buffer in a fraction of the time, but no graph of a GPU can record it.
        is_sparse = rows.device.type == "cpu"
        return functional.embedding(rows, self.table, padding_idx=NO_NGRAM, sparse=is_sparse).sum(dim=-2)


def shortcut_for(architecture: Architecture, signature: Signature) -> LinearShortcut | NgramTable | None:
    """Returns the shortcut of a network, with weights of zero; None if it has none.

    Raises:
        GenomeError: The shortcut does not fit the task.
    """
    shortcut = architecture.shortcut
    if obstacle := shortcut_obstacle(shortcut, signature):
        raise GenomeError(f"architecture.shortcut is {shortcut}, which does not fit the task: {obstacle}")
    relative = architecture.forecast is not Forecast.VALUE
    match shortcut.kind:
        case ShortcutKind.SHARED:
            return SharedLine(signature, relative=relative)
        case ShortcutKind.FULL:
            return FullLine(signature, relative=relative)
        case ShortcutKind.FLAT:
            return FlatLine(signature)
        case ShortcutKind.POOLED:
            return PooledLine(signature)
        case ShortcutKind.NGRAMS:
            assert shortcut.ngrams is not None
            return NgramTable(shortcut.ngrams, signature)
        case ShortcutKind.NONE:
            return None


def _latest(values: Tensor, lengths: Tensor | None, steps: int, *, relative: bool) -> Tensor:
    """Returns the last ``steps`` of each sequence, ``(batch, steps, features)``; a shorter one begins with zeros.

    Args:
        values: ``(batch, time, features)``.
        lengths: int64 ``(batch,)``; None if no sequence is padded.
        steps: Steps of the result.
        relative: Whether the last step is subtracted.
    """
    if relative:
        values = values - last_step(values, lengths)[:, None]
    time = values.shape[1]
    if lengths is None:
        return values[:, time - steps :] if time >= steps else functional.pad(values, (0, 0, steps - time, 0))
    positions = lengths[:, None] + torch.arange(-steps, 0, device=values.device)
    taken = values.gather(1, positions.clamp(min=0)[..., None].expand(-1, -1, values.shape[2]))
    return taken.masked_fill((positions < 0)[..., None], 0.0)


def _no_window(values: Tensor, steps: int, *, relative: bool) -> States:
    """Returns an empty window of ``steps``, for any step ``values`` ``(batch, features)``."""
    rows = values.shape[0]
    states = {"window": values.new_zeros(steps, *values.shape)}
    # Only what was read is less the last step: which part of the window that is must be known.
    return states | ({"seen": values.new_zeros(steps, rows)} if relative else {})


def _window_after(values: Tensor, states: States, *, relative: bool) -> tuple[Tensor, States]:
    """Returns what `_latest` does of the steps so far, ``(steps, batch, features)``, and the states after this one.

    Args:
        values: The present step, ``(batch, features)``.
        states: Those after the step before; see `_no_window`.
        relative: Whether the present step is subtracted.
    """
    window = torch.cat([states["window"][1:], values[None]])
    if not relative:
        return window, {"window": window}
    seen = torch.cat([states["seen"][1:], torch.ones_like(states["seen"][:1])])
    return torch.where(seen[..., None] > 0, window - values, 0.0), {"window": window, "seen": seen}
