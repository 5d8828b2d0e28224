"""Trains one candidate on digits as a script of its own would: plain loop, `DataLoader`, `torch.optim.Adam`.

    python -m benchmarks.plain_candidate CELL EPOCHS

The opponent of `benchmarks.candidates`. Prints as JSON the validation accuracy, and the CPU seconds that the
process had used before its first batch: for the interpreter, its imports, the data and the optimizer.
"""

from __future__ import annotations

import json
import sys
import time

import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from benchmarks.cells import CELLS
from evo_nas.models.eager import EagerRecurrence

WIDTH = 32
BATCH = 64
TRAINED = 1_312
"""Images that are learnt; 21 batches."""
VALIDATED = 300
LEARNING_RATE = 3e-3
CLIP = 1.0


class Classifier(nn.Module):
    """A recurrent layer and a linear one on its last step."""

    def __init__(self, cell: str) -> None:
        super().__init__()
        self.recurrence = EagerRecurrence(CELLS[cell], 8, WIDTH)
        self.output = nn.Linear(WIDTH, 10)

    def forward(self, rows: Tensor) -> Tensor:
        """Returns the logits ``(batch, 10)`` of images ``(batch, 8, 8)``, read row by row."""
        logits: Tensor = self.output(self.recurrence(rows)[:, -1])
        return logits


def parts() -> tuple[TensorDataset, Tensor, Tensor]:
    """Returns the images that are learnt, and the others with their labels."""
    images, labels = load_digits(return_X_y=True)
    learnt, others, targets, wanted = train_test_split(
        images, labels, train_size=TRAINED, test_size=VALIDATED, stratify=labels, random_state=0
    )
    mean, spread = learnt.mean(axis=0), learnt.std(axis=0) + 1e-6

    def rows(flat: object) -> Tensor:
        return torch.tensor((flat - mean) / spread, dtype=torch.float32).reshape(-1, 8, 8)

    return TensorDataset(rows(learnt), torch.tensor(targets)), rows(others), torch.tensor(wanted)


def train(network: nn.Module, epochs: int) -> tuple[float, float]:
    """Returns the best validation accuracy of all epochs, and the CPU seconds used before the first batch."""
    learnt, images, labels = parts()
    loader = DataLoader(learnt, batch_size=BATCH, shuffle=True)
    optimizer = torch.optim.Adam(network.parameters(), lr=LEARNING_RATE)
    loss_of, best = nn.CrossEntropyLoss(), 0.0
    start_s = time.process_time()
    for _ in range(epochs):
        network.train()
        for rows, targets in loader:
            optimizer.zero_grad()
            loss_of(network(rows), targets).backward()
            nn.utils.clip_grad_norm_(network.parameters(), CLIP)
            optimizer.step()
        network.eval()
        with torch.inference_mode():
            accuracy = (network(images).argmax(dim=1) == labels).float().mean().item()
        best = max(best, accuracy)
    return best, start_s


def main(cell: str, epochs: str) -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    accuracy, start_s = train(Classifier(cell), int(epochs))
    print(json.dumps({"accuracy": accuracy, "start_s": start_s}))


if __name__ == "__main__":
    main(*sys.argv[1:])
