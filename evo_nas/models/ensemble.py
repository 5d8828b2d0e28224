"""`Ensemble`: several networks of one task that answer together."""

from __future__ import annotations

import math
from enum import StrEnum
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from evo_nas.models.network import Network

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from evo_nas.models.recurrent_layer import States


class Link(StrEnum):
    """The scale on which the members of an ensemble are averaged; outputs stay on the scale of a network's."""

    VALUES = "values"
    """The outputs themselves: numbers and quantiles."""
    CLASSES = "classes"
    """The probabilities of classes, of which the outputs are logits."""
    LABELS = "labels"
    """The probability of each label or key by itself, of which the outputs are logits."""


class Ensemble(nn.Module):
    """The weighted mean of networks for the same task (deep ensembles; Lakshminarayanan et al., 2017).

    It is called as a `Network` is: what scores, exports and predicts takes either.

    Args:
        members: The networks, which have one signature.
        shares: The weight of each; their sum is 1.
        link: The scale on which they are averaged.
    """

    def __init__(self, members: Sequence[Network], shares: Sequence[float], link: Link) -> None:
        super().__init__()
        assert len({member.signature for member in members}) == 1, "the members have one task"
        self.members = nn.ModuleList(members)
        self.shares = tuple(shares)
        self.link = link
        self.signature = members[0].signature

    def forward(
        self, inputs: Tensor, lengths: Tensor | None = None, *, truncation: int | None = None
    ) -> Tensor:
        """Returns the outputs, as `Network.forward` does."""
        return self.joined([member(inputs, lengths, truncation=truncation) for member in self.members])

    def forward_from(
        self, inputs: Tensor, states: Mapping[str, Tensor] | None = None
    ) -> tuple[Tensor, States]:
        """Returns the outputs of a piece and the states after it, as `Network.forward_from` does."""
        outputs, after = [], {}
        for number, member in enumerate(self.members):
            assert isinstance(member, Network)
            prefix = f"member{number}."
            own = None if states is None else _without(prefix, states)
            output, states_after = member.forward_from(inputs, own)
            outputs.append(output)
            after.update({prefix + name: state for name, state in states_after.items()})
        return self.joined(outputs), after

    def joined(self, outputs: Sequence[Tensor]) -> Tensor:
        """Returns the outputs ``(batch, ..., outputs)`` of the ensemble from those of each member."""
        stacked = torch.stack(list(outputs))  # (members, batch, ..., outputs)
        shares = stacked.new_tensor(self.shares).view(-1, *[1] * (stacked.dim() - 1))
        if self.link is Link.VALUES:
            return (shares * stacked).sum(0)
        weights = shares.log()
        if self.link is Link.CLASSES:
            return (stacked.log_softmax(-1) + weights).logsumexp(0)
        # In logarithms of both outcomes, since the probability of a rare label is lost beside 1.
        likely = (functional.logsigmoid(stacked) + weights).logsumexp(0)
        unlikely = (functional.logsigmoid(-stacked) + weights).logsumexp(0)
        return likely - unlikely


Model = Network | Ensemble
"""What answers for a task."""


def model_of(members: Sequence[Network], *, link: Link, shares: Sequence[float] | None = None) -> Model:
    """Returns the only network of ``members``, or an ensemble in evaluation mode.

    Args:
        members: Trained networks for one task.
        link: The scale on which they are averaged.
        shares: The weight of each, above 0; equal ones by default.
    """
    if len(members) == 1:
        return members[0].eval()
    given = [1.0] * len(members) if shares is None else list(shares)
    total = math.fsum(given)
    return Ensemble(members, [share / total for share in given], link).eval()


def _without(prefix: str, states: Mapping[str, Tensor]) -> States:
    return {name.removeprefix(prefix): state for name, state in states.items() if name.startswith(prefix)}
