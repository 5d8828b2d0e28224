"""Baselines beside networks: `BaselineNetwork` answers as one, and `network_of` writes a linear one as one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from evo_nas.champion.exporters.manifest import verify
from evo_nas.errors import ChampionError, DataError, GenomeError
from evo_nas.genome.architecture import Architecture, Head, Layer
from evo_nas.genome.blocks import Shortcut, ShortcutKind
from evo_nas.genome.cells import NAMED_CELLS
from evo_nas.models.network import Network
from evo_nas.models.shortcuts import LinearShortcut
from evo_nas.tasks.baselines.fitted_models import Constant, LinearMap
from evo_nas.tasks.baselines.keeping import ARRAYS_FILE, BASELINE_FILE, read_kept
from evo_nas.training.losses import LINKS

if TYPE_CHECKING:
    import os

    from evo_nas.genome.architecture import Signature
    from evo_nas.models.ensemble import Link
    from evo_nas.tasks.baselines.fitted_models import BaselineModel
    from evo_nas.tasks.baselines.keeping import KeptBaseline

_SHORTCUTS = {"first": ShortcutKind.FLAT, "last": ShortcutKind.FULL}


class BaselineNetwork(nn.Module):
    """A fitted baseline that is called as a `Network` is; it has no parameters that could be trained.

    Args:
        kept: The baseline.
    """

    def __init__(self, kept: KeptBaseline) -> None:
        super().__init__()
        self.name = kept.name
        self.baseline = kept.model
        self.signature = kept.signature
        self.link: Link = LINKS[kept.objective]

    def forward(self, inputs: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Returns the outputs ``(batch, outputs)``, or ``(batch, time, outputs)`` if every step has some.

        Args:
            inputs: As its preparation gives them, ``(batch, time, features)``.
            lengths: int64 ``(batch,)``; None if no sequence is padded.
        """
        ends = None if lengths is None else lengths.numpy()
        return torch.from_numpy(np.ascontiguousarray(self.baseline(inputs.numpy(), ends)))


def is_baseline(directory: Path) -> bool:
    """Whether the files in ``directory`` are those of a baseline."""
    return (directory / BASELINE_FILE).exists()


def read_baseline(directory: str | os.PathLike[str]) -> BaselineNetwork:
    """Returns the baseline whose files are in ``directory``; nothing in them is executed.

    Raises:
        ChampionError: A file is missing, damaged, of a newer format, or does not fit the others.
    """
    directory = Path(directory)
    verify(directory)
    try:
        facts, arrays = ((directory / name).read_bytes() for name in (BASELINE_FILE, ARRAYS_FILE))
        return BaselineNetwork(read_kept(facts, arrays)).eval()
    except OSError as error:
        raise ChampionError(f"{directory} cannot be read: {error}; export it again") from error
    except DataError as error:
        raise ChampionError(f"{directory}: {error}") from error


def network_of(baseline: BaselineNetwork) -> Network | None:
    """Returns a network with the outputs of a baseline, whose recurrence adds nothing; None if there is none.

    So every format that expresses networks expresses linear baselines: their map is the shortcut of a network, or its
    head where each step has an answer of its own.

    Raises:
        ChampionError: Its arrays do not have the shape of its inputs and outputs.
    """
    model, signature = baseline.baseline, baseline.signature
    architecture = _architecture_of(model)
    if architecture is None:
        return None
    try:
        network = Network(architecture, signature)
        weights = {name: torch.zeros_like(tensor) for name, tensor in network.state_dict().items()}
        network.load_state_dict(weights | _weights_of(model, network, signature))
    except (GenomeError, RuntimeError) as error:
        raise ChampionError(f"the arrays of the baseline {baseline.name} do not fit: {error}") from error
    return network.eval()


def _architecture_of(model: BaselineModel) -> Architecture | None:
    silent = Architecture(layers=(Layer(NAMED_CELLS["rnn_tanh"], width=1),))
    if isinstance(model, Constant):
        return silent
    if not isinstance(model, LinearMap) or (model.reads == "around" and model.steps > 1):
        return None
    if model.reads == "around":
        return replace(silent, head=Head(skip=0))
    return replace(silent, shortcut=Shortcut(_SHORTCUTS[model.reads]))


def _weights_of(model: BaselineModel, network: Network, signature: Signature) -> dict[str, Tensor]:
    """Returns the tensors that are not zero, by their names in the network."""
    if isinstance(model, Constant):
        return {"head.output.bias": _tensor(model.outputs)}
    assert isinstance(model, LinearMap)
    if model.reads == "around":
        # The head reads the layer's only unit before the values of the step.
        unit = torch.zeros(signature.outputs, 1)
        return {
            "head.output.weight": torch.cat([unit, _tensor(model.weight.T)], dim=1),
            "head.output.bias": _tensor(model.bias),
        }
    assert isinstance(network.shortcut, LinearShortcut)
    return {"shortcut.weight": _tensor(model.weight.T), "shortcut.bias": _tensor(model.bias)}


def _tensor(array: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array, dtype=np.float32))
