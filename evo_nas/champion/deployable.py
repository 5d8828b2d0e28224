"""`Deployable`: a champion as one module, from raw arrays in original units to answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from evo_nas.models.ensemble import Link
from evo_nas.models.recurrence import valid_steps
from evo_nas.tasks.answers import ClassAnswers, NumberAnswers
from evo_nas.tasks.raw_inputs import TokenInputs
from evo_nas.tasks.raw_windows import WindowInputs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evo_nas.models.ensemble import Model
    from evo_nas.tasks.preparation import Preparation


class Deployable(nn.Module):
    """A model with what prepares its inputs and what its outputs become, without a branch on a value.

    So it can be recorded whole (`torch.export`) if its model can: see `models.scanned.recordable`. What cannot be
    refused in a recording, such as a hole that training never had or a series shorter than the window, becomes NaN.

    Args:
        model: The model.
        preparation: What leads from raw arrays to inputs and from outputs to answers; None for prepared inputs.
        link: The scale of the outputs, which says what they become where there is no preparation.
    """

    def __init__(self, model: Model, preparation: Preparation | None, link: Link) -> None:
        super().__init__()
        self.model = model
        plain = None if preparation is None else preparation.of_values
        self.reads = None if plain is None else plain[0]
        self.answers = None if plain is None else plain[1]
        self.link = link
        self.values = None if preparation is None else preparation.numbers
        for name in ("mean", "scale"):
            kept = getattr(self.values, name, ())
            self.register_buffer(name, torch.tensor(kept, dtype=torch.float64), persistent=False)
            of_answers = self.answers if isinstance(self.answers, NumberAnswers) else None
            kept = getattr(of_answers, name, ())
            self.register_buffer(f"answer_{name}", torch.tensor(kept, dtype=torch.float64), persistent=False)

    def forward(self, inputs: Tensor, lengths: Tensor) -> Tensor:
        """Returns answers.

        Args:
            inputs: Raw values float32 ``(batch, time, columns)``, NaN where one is missing, or ids of tokens int64
                ``(batch, time)``.
            lengths: int64 ``(batch,)``, the steps of each sequence.

        Returns:
            Probabilities ``(batch[, time], classes)``, or numbers ``(batch[, horizon], targets[, levels])`` in the
            units of the targets.
        """
        if isinstance(self.reads, WindowInputs):
            inputs = self._window(inputs, lengths, self.reads.window)
            lengths = torch.full_like(lengths, self.reads.window)
        elif self.values is not None:
            if self.values.window is not None:
                inputs, lengths = _ending(inputs, lengths, self.values.window)
            inputs = self._prepared(self._scaled(inputs), valid_steps(lengths, inputs.shape[1]))
        elif isinstance(self.reads, TokenInputs) and self.reads.max_length is not None:
            lengths = lengths.clamp(max=self.reads.max_length)
        return self._answered(self.model(inputs, lengths))

    def _scaled(self, inputs: Tensor) -> Tensor:
        assert isinstance(self.mean, Tensor)
        assert isinstance(self.scale, Tensor)
        # A mean that is large beside the deviation would be rounded away in 32 bits.
        return ((inputs.double() - self.mean) / self.scale).float()

    def _prepared(self, values: Tensor, valid: Tensor) -> Tensor:
        """Returns what `HoleFilling` makes of standardised sequences, zero at padded steps."""
        assert self.values is not None
        filled = _filled(values, valid, how=self.values.missing, masked=self.values.masked)
        return filled.masked_fill(~valid[..., None], 0.0)

    def _window(self, inputs: Tensor, lengths: Tensor, window: int) -> Tensor:
        """Returns what `WindowInputs` makes of series, ``(batch, window, inputs)``."""
        assert self.values is not None
        values, how = self._scaled(inputs), self.values.missing
        valid = valid_steps(lengths, values.shape[1])
        filled = values if how == "previous" else _filled(values, valid, how=how, masked=self.values.masked)
        if how in {"previous", "mask"}:
            # A series has no first value to repeat before it is known.
            last = _last_known(~values.isnan())
            carried = torch.where(last >= 0, values.gather(1, last.clamp(min=0)), 0.0)
            filled = torch.cat([carried, filled[..., carried.shape[-1] :]], dim=-1)
        # By position, since series end at different steps.
        places = lengths[:, None] - window + torch.arange(window, device=filled.device)
        rows = filled.gather(1, places.clamp(min=0)[..., None].expand(-1, -1, filled.shape[2]))
        return rows.masked_fill((places < 0)[..., None], torch.nan)

    def _answered(self, outputs: Tensor) -> Tensor:
        if isinstance(self.answers, NumberAnswers):
            levels = max(len(self.answers.quantiles), 1)
            steps = (self.answers.horizon,) if self.answers.horizon else ()
            values = outputs.double().view(-1, *steps, len(self.answers.mean), levels)
            # Quantiles that cross are sorted, as every metric sorts them.
            values = values.sort(dim=-1).values if levels > 1 else values
            assert isinstance(self.answer_mean, Tensor)
            assert isinstance(self.answer_scale, Tensor)
            numbers = values * self.answer_scale[:, None] + self.answer_mean[:, None]
            return numbers if self.answers.quantiles else numbers.squeeze(-1)
        if isinstance(self.answers, ClassAnswers) or self.link is Link.CLASSES:
            return outputs.softmax(dim=-1)
        return outputs.sigmoid() if self.link is Link.LABELS else outputs


def _filled(values: Tensor, valid: Tensor, *, how: str, masked: Sequence[int]) -> Tensor:
    """Returns standardised sequences ``(batch, time, features)`` without holes; see `data.holes.HoleFilling`."""
    if how == "refuse":
        return values
    known = ~values.isnan() & valid[..., None]
    last = _last_known(known)
    steps = torch.arange(values.shape[1], device=values.device)[:, None].expand_as(last)
    if how == "mask":
        before = torch.cat([torch.full_like(last[:, :1], -1), last[:, :-1]], dim=1)
        since = torch.where(before >= 0, steps - before, 0).to(values.dtype).log1p()
        marks = [part[..., at, None] for at in masked for part in (known.to(values.dtype), since)]
        return torch.cat([torch.where(known, values, 0.0), *marks], dim=-1)
    # Before the first known value the next one is repeated, and after the last one that.
    following = values.shape[1] - 1 - _last_known(known.flip(1)).flip(1)
    has_before, has_after = last >= 0, following < values.shape[1]
    left = values.gather(1, torch.where(has_before, last, following).clamp(max=values.shape[1] - 1))
    if how == "interpolate":
        right = values.gather(1, torch.where(has_after, following, last).clamp(min=0))
        share = (steps - last).double() / (following - last).clamp(min=1)
        between = (left.double() + share * (right.double() - left.double())).float()
        left = torch.where(has_before & has_after & ~known, between, left)
    return torch.where(has_before | has_after, left, 0.0)


def _last_known(known: Tensor) -> Tensor:
    """Returns the last step up to each at which a value is known, int64 ``(batch, time, features)``, -1 for none."""
    steps = torch.arange(known.shape[1], device=known.device)[:, None].expand_as(known)
    return torch.where(known, steps, -1).cummax(dim=1).values


def _ending(inputs: Tensor, lengths: Tensor, window: int) -> tuple[Tensor, Tensor]:
    """Returns the last steps of each sequence, at most ``window`` of them, and their number."""
    kept = lengths.clamp(max=window)
    places = (lengths - kept)[:, None] + torch.arange(window, device=inputs.device)
    places = places.clamp(max=inputs.shape[1] - 1)[..., None].expand(-1, -1, inputs.shape[2])
    return inputs.gather(1, places), kept
