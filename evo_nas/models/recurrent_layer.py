"""`RecurrentLayer`: a recurrence and what belongs to it: dropout, pace, context, normalisation and a residual."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor, nn

from evo_nas.genome.architecture import Norm
from evo_nas.genome.blocks import Context
from evo_nas.models.backends import backend_for
from evo_nas.models.contexts import LayerContext
from evo_nas.models.eager import run_steps
from evo_nas.models.hierarchy import Pace
from evo_nas.models.layers import SequenceDropout, StateWeightDropout

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from evo_nas.genome.architecture import Layer

States = dict[str, Tensor]
"""What a pass over a piece of long sequences hands to the next piece, each ``(any, batch, ...)``, by name; zeros at the
beginning."""


class RecurrentLayer(nn.Module):
    """A recurrence at its pace and with its context, between dropout and normalisation, and a residual around it.

    A normalisation before is of what the recurrence reads, so that the residual path stays free of it (Xiong et al.,
    2020); one after is of the sum of both.
    """

    def __init__(self, layer: Layer, inputs: int, *, device: str = "cpu") -> None:
        super().__init__()
        # A single feature that is normalised would always be zero.
        self.norm_before = _norm(inputs, exists=layer.norm is Norm.BEFORE and inputs > 1)
        self.dropout = SequenceDropout(layer.dropout)
        self.recurrence = backend_for(layer.cell, device=device)(
            layer.cell, inputs, layer.width, bidirectional=layer.bidirectional
        )
        self.weight_dropout = StateWeightDropout(layer.recurrent_dropout)
        self.context = None if layer.context is Context.NONE else LayerContext(layer)
        self.pace = (
            None if layer.period == 1 else Pace(layer.period, layer.width, bidirectional=layer.bidirectional)
        )
        self.residual = _residual(inputs, layer.output_width) if layer.residual else None
        self.norm = _norm(layer.output_width, exists=layer.norm is Norm.LAYER)

    def forward(self, inputs: Tensor, lengths: Tensor | None) -> Tensor:
        """Returns ``(batch, time, width * directions)``.

        Args:
            inputs: ``(batch, time, inputs)``.
            lengths: int64 ``(batch,)``; None if no sequence is padded.
        """
        with self._dropped_weights():
            return self._leave(self._run(self._scan, self._enter(inputs), lengths), inputs)

    def decode(self, inputs: Tensor, lengths: Tensor | None, queries: Tensor) -> tuple[Tensor, Tensor]:
        """Returns what `forward` does, and the output of one more step for each query.

        Each of these steps follows the last update of its sequence; it has no pace and no context. A backward cell
        begins with the query.

        Args:
            inputs: ``(batch, time, inputs)``.
            lengths: int64 ``(batch,)``; None if no sequence is padded.
            queries: ``(batch, queries, inputs)``.

        Returns:
            ``(batch, time, width * directions)`` and ``(batch, queries, width * directions)``.
        """
        states = self.recurrence.zero_states(inputs)  # of a sequence that is too short for an update

        def scan(values: Tensor, lengths: Tensor | None) -> Tensor:
            nonlocal states
            outputs, states = self.recurrence.encode(values, lengths)
            return self._with_context(outputs, lengths)

        with self._dropped_weights():
            outputs = self._run(scan, self._enter(inputs), lengths)
            steps = queries.flatten(0, 1)[:, None]  # all queries of the batch are rows of one step
            before = states.repeat_interleave(queries.shape[1], dim=1)
            decoded = self._leave(self.recurrence.continued(self._enter(steps), before), steps)
        return self._leave(outputs, inputs), decoded.view(*queries.shape[:2], -1)

    def forward_from(self, inputs: Tensor, states: States | None) -> tuple[Tensor, States]:
        """Returns the outputs ``(batch, time, width)`` and the states after the last step.

        Args:
            inputs: ``(batch, time, inputs)``, without padding.
            states: What the call for the piece before returned; None for zeros.
        """
        values = self._enter(inputs)
        before = self.zero_states(inputs) if states is None else states
        scan = self._scan_from
        with self._dropped_weights():
            outputs, after = (
                scan(values, before) if self.pace is None else self.pace.run_from(scan, values, before)
            )
        return self._leave(outputs, inputs), after

    def step_from(self, inputs: Tensor, states: States) -> tuple[Tensor, States]:
        """Returns what `forward_from` does of one step ``(batch, 1, width)``, by operations of torch alone.

        They do not depend on the values of states, so that a step can be recorded once for all.

        Args:
            inputs: ``(batch, 1, inputs)``.
            states: Those after the step before; see `zero_states`.
        """
        values = self._enter(inputs)
        outputs, after = (
            self._step(values, states)
            if self.pace is None
            else self.pace.step_from(self._step, values, states)
        )
        return self._leave(outputs, inputs), after

    def zero_states(self, inputs: Tensor) -> States:
        """Returns the states that a pass over ``inputs`` ``(batch, time, inputs)`` begins with."""
        states = {"cell": self.recurrence.zero_states(inputs)}
        if self.context is not None:
            states |= self.context.zero_states(inputs)
        if self.pace is not None:
            states |= self.pace.zero_states(inputs)
        return states

    def _dropped_weights(self) -> AbstractContextManager[None]:
        return self.recurrence.with_weights(self.weight_dropout(self.recurrence))

    def _enter(self, inputs: Tensor) -> Tensor:
        """Returns what the recurrence reads of the layer's input ``(batch, time, inputs)``."""
        entered: Tensor = self.dropout(self.norm_before(inputs))
        return entered

    def _leave(self, outputs: Tensor, inputs: Tensor) -> Tensor:
        """Returns the layer's output from that of the recurrence, ``(batch, time, width * directions)``."""
        if self.residual is not None:
            outputs = outputs + self.residual(inputs)
        left: Tensor = self.norm(outputs)
        return left

    def _run(
        self, scan: Callable[[Tensor, Tensor | None], Tensor], inputs: Tensor, lengths: Tensor | None
    ) -> Tensor:
        """Returns the output of every step from what ``scan`` gives for every update."""
        return scan(inputs, lengths) if self.pace is None else self.pace.run(scan, inputs, lengths)

    def _scan(self, inputs: Tensor, lengths: Tensor | None) -> Tensor:
        """Returns the output of every update ``(batch, updates, width * directions)``."""
        return self._with_context(self.recurrence(inputs, lengths), lengths)

    def _with_context(self, outputs: Tensor, lengths: Tensor | None) -> Tensor:
        return outputs if self.context is None else self.context(outputs, lengths)

    def _scan_from(self, inputs: Tensor, states: States) -> tuple[Tensor, States]:
        """Returns the output of every update of a piece ``(batch, updates, width)``, and the states after it."""
        return self._with_context_from(*self.recurrence.forward_from(inputs, states["cell"]), states)

    def _step(self, inputs: Tensor, states: States) -> tuple[Tensor, States]:
        """Returns what `_scan_from` does, with the eager backend and the weights of this one."""
        return self._with_context_from(*run_steps(self.recurrence, inputs, states["cell"], None), states)

    def _with_context_from(self, outputs: Tensor, cell: Tensor, states: States) -> tuple[Tensor, States]:
        if self.context is None:
            return outputs, {"cell": cell}
        outputs, after = self.context.forward_from(outputs, states)
        return outputs, {"cell": cell, **after}


def _norm(width: int, *, exists: bool) -> nn.Module:
    return nn.LayerNorm(width) if exists else nn.Identity()


def _residual(inputs: int, outputs: int) -> nn.Module:
    return nn.Identity() if inputs == outputs else nn.Linear(inputs, outputs, bias=False)
