"""Puts a file together: constants, equations, the network, and what leads from raw data to answers."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from evo_nas.champion.exporters.python.cells import Cells
from evo_nas.champion.exporters.python.code import docstring, in_docstring, statement
from evo_nas.champion.exporters.python.constants import Constants
from evo_nas.champion.exporters.python.library import imports_of, needed
from evo_nas.champion.exporters.python.networks import NetworkSource
from evo_nas.champion.exporters.python.preparing import PreparationSource
from evo_nas.models.ensemble import Ensemble, Link
from evo_nas.models.network import Network

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from evo_nas.models.ensemble import Model
    from evo_nas.tasks.preparation import Preparation

BASE_OF_CELLS = "RecurrentCell"
MODULE_FILE, WEIGHTS_FILE = "champion.py", "champion.pt"
_MEANS: Mapping[Link, str] = {
    Link.VALUES: "mean_of_values",
    Link.CLASSES: "mean_of_classes",
    Link.LABELS: "mean_of_labels",
}
_STORED = '''@functools.cache
def stored() -> dict[str, Any]:
    """Returns what lies beside this file: weights and long lists, read once."""
    return torch.load(WEIGHTS, map_location="cpu", weights_only=True)'''
_LOAD = '''@functools.cache
def load() -> {kind}:
    """Returns the network with its weights, read once."""
    network = {kind}()
    network.load_state_dict(stored()["weights"])
    return network.eval()'''


@dataclass(frozen=True, slots=True)
class Title:
    """What a file says about itself.

    Attributes:
        name: What the champion is called.
        origin: Where it comes from, a sentence; empty for nothing.
    """

    name: str
    origin: str = ""


def python_files(model: Model, title: Title, preparation: Preparation | None = None) -> dict[str, bytes]:
    """Returns the source of a champion and its weights, by the names of the files.

    Args:
        model: A network or an ensemble.
        title: What the file says about itself.
        preparation: What leads from raw data to inputs and from outputs to answers; without it the file takes prepared
            inputs.

    Raises:
        ChampionError: The preparation is of a kind that the format does not know.
    """
    members = [model] if isinstance(model, Network) else _members(model)
    cells, constants = Cells(members), Constants()
    networks, kind, weights = _networks(members, model, cells)
    prepared = PreparationSource(preparation, model.signature, constants)
    own = [*cells.sources, *networks]
    functions = [_LOAD.format(kind=kind), *prepared.functions]
    definitions = needed("\n\n".join([*own, *functions]))
    base = [each.source for each in definitions if each.name == BASE_OF_CELLS]
    blocks = [each.source for each in definitions if each.name != BASE_OF_CELLS]
    # What a reader came for comes first; functions may stand below what calls them.
    parts = [*base, *own, *blocks, *functions]
    if constants.stored:
        beginning = f"{_STORED}\n\n\n{constants.source}"
    else:
        parts.insert(len(parts) - len(functions), _STORED)
        beginning = constants.source
    main = 'if __name__ == "__main__":\n    main()' if prepared.functions else ""
    body = "\n\n\n".join(filter(None, [*parts, main]))
    head = "\n".join(_heading(title, prepared))
    path = f'WEIGHTS = Path(__file__).with_name("{WEIGHTS_FILE}")'
    first = "\n".join(filter(None, [path, "" if constants.stored else beginning]))
    first += f"\n\n\n{beginning}" if constants.stored else ""
    imports = imports_of(f"{first}\n{body}")
    source = f"{head}\n\n{imports}\n\n{first}\n\n\n{body}\n"
    return {MODULE_FILE: source.encode(), WEIGHTS_FILE: _packed(weights, constants)}


def _members(model: Ensemble) -> list[Network]:
    return [member for member in model.members if isinstance(member, Network)]


def _networks(members: list[Network], model: Model, cells: Cells) -> tuple[list[str], str, dict[str, Tensor]]:
    """Returns the classes of the networks, the name of the one to load, and its weights."""
    if isinstance(model, Network):
        alone = NetworkSource(model, cells, "Network")
        return [alone.source], "Network", alone.weights
    names: dict[Any, str] = {}
    for member in members:
        names.setdefault(member.architecture, f"Network{len(names) + 1}")
    if len(names) == 1:
        names = dict.fromkeys(names, "Network")
    written = [NetworkSource(member, cells, names[member.architecture]) for member in members]
    sources = list(dict.fromkeys(each.source for each in written))
    weights = {
        f"members.{number}.{name}": tensor
        for number, each in enumerate(written)
        for name, tensor in each.weights.items()
    }
    kinds = [f"{names[member.architecture]}()" for member in members]
    return [*sources, "\n".join(_ensemble(kinds, model))], "Ensemble", weights


def _ensemble(kinds: list[str], model: Ensemble) -> list[str]:
    return [
        "class Ensemble(nn.Module):",
        *docstring(f"The mean of {len(kinds)} networks."),
        "",
        "    def __init__(self) -> None:",
        "        super().__init__()",
        *statement("members = [", kinds, "]"),
        "        self.members = nn.ModuleList(members)",
        *statement("self.shares = [", list(map(repr, model.shares)), "]"),
        "",
        "    def forward(self, inputs: Tensor, lengths: Tensor | None = None) -> Tensor:",
        '        """Returns outputs, as each of the networks does."""',
        "        outputs = [member(inputs, lengths) for member in self.members]",
        f"        return {_MEANS[model.link]}(outputs, self.shares)",
    ]


def _heading(title: Title, prepared: PreparationSource) -> list[str]:
    usage = [f"    {line}" for line in prepared.usage]
    origin = [in_docstring(title.origin), ""] if title.origin else []
    more = [
        *origin,
        *usage,
        "",
        f"The weights are in {WEIGHTS_FILE}, which is read without executing anything.",
    ]
    return docstring(f"{in_docstring(title.name)}: {prepared.purpose}", indent=0, more=more)


def _packed(weights: Mapping[str, Tensor], constants: Constants) -> bytes:
    content = {"weights": {name: tensor.detach().cpu().clone() for name, tensor in weights.items()}}
    buffer = io.BytesIO()
    torch.save(content | constants.stored, buffer)
    return buffer.getvalue()
