"""`Controller`: an LSTM that emits genomes, gene by gene, and the policy gradients that it learns from.

Zoph and Le, "Neural Architecture Search with Reinforcement Learning", ICLR 2017; Williams, "Simple Statistical
Gradient-Following Algorithms for Connectionist Reinforcement Learning", Machine Learning 8, 1992; Schulman, Wolski,
Dhariwal, Radford and Klimov, "Proximal Policy Optimization Algorithms", 2017.

At each step the LSTM reads which gene is to be chosen and what was chosen last, and scores the choices of that gene.
The network is so small that a step costs less than the overhead of a torch operation. So genomes are emitted with
NumPy, which works on the very memory of the parameters, and only learning uses torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from evo_nas.models.threads import one_thread

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

    import numpy.typing as npt
    from torch import Tensor

    from evo_nas.genome.gene import Gene
    from evo_nas.strategies.reinforce import ReinforceOptions

    Choices = Sequence[tuple[int, int]]
    """The active genes of a genome in the order of choosing: position and value of each."""

INITIAL = 0.08
"""Bound of the uniform initial weights, as in the paper: at first all choices of a gene are about equally likely."""
CLIP_NORM = 5.0
GRID = 2.0**-24
"""Parameters are multiples of this. Processors add in different orders, which differs in the last bits of a double;
rounded, it no longer differs, so that a run that was begun on one machine is derived again on another."""


class Policy(nn.Module):
    """The network of a controller; all genes share its LSTM, and each choice of each gene has an embedding of its own.

    Args:
        sizes: Number of choices of each gene.
        width: Units of the LSTM, and of the embeddings.
        generator: What draws the initial weights.
    """

    def __init__(self, sizes: Sequence[int], *, width: int, generator: torch.Generator) -> None:
        super().__init__()
        starts = np.concatenate([[0], np.cumsum(sizes)])
        self.starts = starts.astype(np.int64)
        self.begin = int(starts[-1])  # the row that stands for nothing chosen yet

        def parameter(*shape: int) -> nn.Parameter:
            drawn = torch.empty(shape, dtype=torch.float64)
            return nn.Parameter(drawn.uniform_(-INITIAL, INITIAL, generator=generator))

        self.genes = parameter(len(sizes), width)
        self.chosen = parameter(self.begin + 1, width)
        # Without memory at first, since its own initial weights would be drawn from the global generator.
        lstm = nn.LSTM(width, width, batch_first=True, device="meta", dtype=torch.float64)
        self.lstm = lstm.to_empty(device="cpu")
        for weights in self.lstm.parameters():
            nn.init.uniform_(weights, -INITIAL, INITIAL, generator=generator)
        self.scores = parameter(self.begin, width)
        self.biases = nn.Parameter(torch.zeros(self.begin, dtype=torch.float64))
        # For each gene the rows of its choices, filled up with the first, and which of them there are.
        places = np.arange(max(sizes))
        there = places < np.array(sizes)[:, None]
        self.register_buffer("rows", torch.tensor(np.where(there, starts[:-1, None] + places, 0)))
        self.register_buffer("there", torch.tensor(there))
        self.rows: Tensor
        self.there: Tensor
        self.round()

    def forward(self, positions: Tensor, values: Tensor) -> Tensor:
        """Returns the log-probabilities of all choices at each step, minus infinity where a gene has no such choice.

        Args:
            positions: Genes in the order of choosing: `(episodes, steps)`.
            values: What was chosen: `(episodes, steps)`.
        """
        rows = self.rows[positions]  # (episodes, steps, choices)
        chosen = rows.gather(-1, values.unsqueeze(-1)).squeeze(-1)
        before = torch.cat([torch.full_like(chosen[:, :1], self.begin), chosen[:, :-1]], dim=1)
        hidden, _ = self.lstm(self.genes[positions] + self.chosen[before])
        scores: Tensor = (hidden @ self.scores.T + self.biases).gather(-1, rows)
        return scores.masked_fill(~self.there[positions], -torch.inf).log_softmax(-1)

    @torch.no_grad()
    def round(self) -> None:
        """Rounds all parameters to the grid."""
        for weights in self.parameters():
            weights.copy_((weights / GRID).round() * GRID)


class Emission:
    """One genome being emitted; `choose` is what `SearchSpace.spell` calls for each gene.

    Args:
        controller: What emits it.
        rng: Where its draws come from.
        temperature: 1 for the probabilities that were learnt; the higher, the more alike all choices are.
    """

    def __init__(self, controller: Controller, rng: random.Random, *, temperature: float) -> None:
        self._of = controller
        self._temperature = temperature
        self._rng = rng
        self._row = controller.policy.begin
        self._hidden = np.zeros(controller.width)
        self._cell = np.zeros(controller.width)

    def choose(self, position: int) -> int:
        """Draws the value of the gene at ``position``."""
        of, width = self._of, self._of.width
        gates = of.reads_chosen[self._row] + of.reads_gene[position] + self._hidden @ of.reads_hidden
        squashed = 1.0 / (
            1.0 + np.exp(-gates)
        )  # input, forget, candidate, output; the candidate's is not used
        self._cell = squashed[width : 2 * width] * self._cell + squashed[:width] * np.tanh(
            gates[2 * width : 3 * width]
        )
        self._hidden = squashed[3 * width :] * np.tanh(self._cell)
        start, end = of.policy.starts[position], of.policy.starts[position + 1]
        scores = of.scores[start:end] @ self._hidden + of.biases[start:end]
        cumulated = np.exp((scores - scores.max()) / self._temperature).cumsum()
        value = int(cumulated.searchsorted(self._rng.random() * cumulated[-1], side="right"))
        # A draw next to 1 may be rounded beyond the last.
        value = min(value, len(cumulated) - 1)
        self._row = int(start) + value
        return value


class Controller:
    """Emits genomes and learns from how good they were; a function of its seed and the batches it learnt from.

    Args:
        genes: The genes of the space.
        options: Its size, and how it learns.
        seed: Seed of its initial weights.
    """

    def __init__(self, genes: Sequence[Gene], options: ReinforceOptions, *, seed: int) -> None:
        self.width = options.width
        generator = torch.Generator().manual_seed(seed)
        self.policy = Policy([gene.size for gene in genes], width=self.width, generator=generator)
        self._entropy = options.entropy
        assert options.learning_rate is not None, "it follows the algorithm"
        is_ppo = options.algorithm == "ppo"
        self._epochs = options.epochs if is_ppo else 1
        self._clip = options.clip if is_ppo else None
        # `foreach` would group tensors by device and give nothing to so few of them.
        self._optimizer = torch.optim.Adam(self.policy.parameters(), lr=options.learning_rate, foreach=False)
        self._project()

    def emission(self, rng: random.Random, *, temperature: float = 1.0) -> Emission:
        """Returns what emits one genome; see `Emission`."""
        return Emission(self, rng, temperature=temperature)

    def learn(self, episodes: Sequence[tuple[Choices, float]]) -> None:
        """Makes what was better than expected more likely, and the rest less.

        Args:
            episodes: The choices that made each genome, and its advantage: by how much its reward exceeds the baseline.
        """
        with one_thread():
            positions, values, there = _padded([choices for choices, _ in episodes])
            advantages = torch.tensor([[advantage] for _, advantage in episodes], dtype=torch.float64)
            old: Tensor | None = None
            for _ in range(self._epochs):
                log_probabilities = self.policy(positions, values)
                taken = log_probabilities.gather(-1, values.unsqueeze(-1)).squeeze(-1)
                # The policy before this batch: whatever emitted it may be some batches older.
                old = taken.detach() if old is None else old
                gain = (self._surrogate(taken, old, advantages) * there).sum(1).mean()
                bonus = (_entropies(log_probabilities) * there).sum(1).mean()
                self._optimizer.zero_grad()
                (-gain - self._entropy * bonus).backward()  # type: ignore[no-untyped-call]
                nn.utils.clip_grad_norm_(self.policy.parameters(), CLIP_NORM, foreach=False)
                self._optimizer.step()
                self.policy.round()
        self._project()

    def _surrogate(self, taken: Tensor, old: Tensor, advantages: Tensor) -> Tensor:
        """Returns what is to be raised, for each choice that was taken: `(episodes, steps)`."""
        if self._clip is None:
            return taken * advantages
        ratios = (taken - old).exp()
        return torch.minimum(ratios * advantages, ratios.clamp(1 - self._clip, 1 + self._clip) * advantages)

    def _project(self) -> None:
        """Computes what emissions need of the parameters, once for all their steps."""
        arrays = {name: weights.detach().numpy() for name, weights in self.policy.named_parameters()}
        reads_input = arrays["lstm.weight_ih_l0"].T
        biases = arrays["lstm.bias_ih_l0"] + arrays["lstm.bias_hh_l0"]
        self.reads_chosen: npt.NDArray[np.float64] = arrays["chosen"] @ reads_input
        self.reads_gene: npt.NDArray[np.float64] = arrays["genes"] @ reads_input + biases
        self.reads_hidden: npt.NDArray[np.float64] = np.ascontiguousarray(arrays["lstm.weight_hh_l0"].T)
        self.scores: npt.NDArray[np.float64] = arrays["scores"]
        self.biases: npt.NDArray[np.float64] = arrays["biases"]


def _padded(episodes: Sequence[Choices]) -> tuple[Tensor, Tensor, Tensor]:
    """Returns positions, values, and which of them there are: `(episodes, steps)` each."""
    steps = max(map(len, episodes))
    positions, values = np.zeros((2, len(episodes), steps), dtype=np.int64)
    there = np.zeros((len(episodes), steps))
    for index, choices in enumerate(episodes):
        positions[index, : len(choices)], values[index, : len(choices)] = zip(*choices, strict=True)
        there[index, : len(choices)] = 1.0
    return torch.from_numpy(positions), torch.from_numpy(values), torch.from_numpy(there)


def _entropies(log_probabilities: Tensor) -> Tensor:
    """Returns the entropy of the choices at each step, in nats: `(episodes, steps)`."""
    # Choices that a gene does not have are minus infinity, which times 0 would be no number.
    finite = log_probabilities.masked_fill(log_probabilities.isneginf(), 0.0)
    return -(log_probabilities.exp() * finite).sum(-1)
