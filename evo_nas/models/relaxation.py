"""`Relaxation`: a softmax over the choices of every gene of an evolved cell, in place of one choice.

Liu, Simonyan and Yang, "DARTS: Differentiable Architecture Search", ICLR 2019.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from evo_nas.genome.cgp import GENES_PER_NODE

if TYPE_CHECKING:
    from evo_nas.genome.cgp import CellCode

INITIAL = 1e-3
"""Standard deviation of the logits at first; equal ones would keep the three inputs of a node equal."""


@dataclass(frozen=True, slots=True)
class Mixture:
    """The shares of all choices of a cell.

    Attributes:
        ops: For each node the share of each op, ``(ops,)``.
        inputs: For each node the shares of what each of its three inputs reads, ``(3, references)``; the first
            reference is ``x``, then come the states and the earlier nodes.
        outputs: For each state the shares of its new value, ``(states, states + nodes)``.
    """

    ops: tuple[Tensor, ...]
    inputs: tuple[Tensor, ...]
    outputs: Tensor


class Relaxation(nn.Module):
    """The logits of the choices of all genes of a cell.

    Args:
        code: How genes spell the cell.

    Attributes:
        logits: Those of all genes, one after the other, ``(choices,)``.
    """

    def __init__(self, code: CellCode) -> None:
        super().__init__()
        self._nodes = code.nodes
        self._sizes = [gene.size for gene in code.genes()]
        self.logits = nn.Parameter(nn.init.normal_(torch.empty(sum(self._sizes)), std=INITIAL))

    def mixture(self) -> Mixture:
        """Returns the shares as the logits say."""
        shares = [logits.softmax(0) for logits in torch.split(self.logits, self._sizes)]
        ends = GENES_PER_NODE * self._nodes
        return Mixture(
            ops=tuple(shares[:ends:GENES_PER_NODE]),
            inputs=tuple(
                torch.stack(shares[start + 1 : start + GENES_PER_NODE])
                for start in range(0, ends, GENES_PER_NODE)
            ),
            outputs=torch.stack(shares[ends:]),
        )

    def log_shares(self) -> list[list[float]]:
        """Returns for each gene the logarithm of the share of each choice."""
        with torch.no_grad():
            return [part.log_softmax(0).tolist() for part in torch.split(self.logits, self._sizes)]

    def entropy(self) -> float:
        """Returns the mean entropy of a gene as a share of the largest, 1 where nothing is preferred."""
        with torch.no_grad():
            parts = [part.log_softmax(0) for part in torch.split(self.logits, self._sizes) if len(part) > 1]
            entropies = [
                -float((part.exp() * part).sum()) / float(torch.tensor(len(part)).log()) for part in parts
            ]
        return sum(entropies) / max(1, len(entropies))
