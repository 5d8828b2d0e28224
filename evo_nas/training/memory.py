"""What a training needs of memory at the very least, so that what cannot fit is never tried."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from evo_nas.genome.parameters import count_parameters

if TYPE_CHECKING:
    from evo_nas.genome.architecture import Architecture, Signature
    from evo_nas.training.batches import Extent

FLOAT_BYTES = 4
COPIES = 4
"""Of every parameter: its value, its gradient, the optimizer's memory of that, and its value in the best epoch."""


def least_bytes(architecture: Architecture, signature: Signature, batch: Extent) -> int:
    """Returns a lower bound of what training needs beside the data: it keeps every layer's output at every step.

    Args:
        architecture: What is trained.
        signature: Of the task.
        batch: Extent of some batch that it is trained on; see `Split.least_batch`.
    """
    outputs = batch.rows * batch.steps * sum(layer.output_width for layer in architecture.layers)
    return FLOAT_BYTES * (COPIES * count_parameters(architecture, signature) + outputs)


def graph_bytes(architecture: Architecture, batch: Extent) -> int:
    """Returns about what the captured step of a batch keeps: every node's value and gradient at every step."""
    values = sum(len(layer.cell.nodes) * layer.output_width for layer in architecture.layers)
    return 2 * FLOAT_BYTES * batch.rows * batch.steps * values


def limit_memory(device: torch.device, *, gpu_share: float) -> int | None:
    """Keeps this process to its share of a GPU and returns its bytes, of a whole GPU for 0; None on a CPU.

    Ray's shares are bookkeeping: without this, one worker's candidate could take what another's needs.
    """
    if device.type != "cuda":
        return None
    share = gpu_share if 0 < gpu_share < 1 else 1.0
    torch.cuda.set_per_process_memory_fraction(share, device)
    return int(share * torch.cuda.get_device_properties(device).total_memory)
