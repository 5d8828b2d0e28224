"""`ModuleBody`: the lines of a module, to which the parts of a network are added one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evo_nas.champion.exporters.python.code import statement

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor


class ModuleBody:
    """The lines of ``__init__`` and ``forward`` of one module, and its weights.

    Args:
        state: The weights of the network by their names there.

    Attributes:
        made: Lines of ``__init__``.
        steps: Lines of ``forward``.
        weights: The weights by their names in the module.
        features: Name and width of what each layer, and then the head, may read: the front, then each layer.
    """

    def __init__(self, state: Mapping[str, Tensor]) -> None:
        self.state = state
        self.made: list[str] = []
        self.steps: list[str] = []
        self.weights: dict[str, Tensor] = {}
        self.features: list[tuple[str, int]] = []

    def module(self, name: str, kind: str, *arguments: object, of: str) -> None:
        """Adds a module that has its tensors by the same names as that which the network calls ``of``."""
        self.made += statement(f"self.{name} = {kind}(", list(map(str, arguments)))
        for key, tensor in self.state.items():
            if key.startswith(f"{of}."):
                self.weights[name + key.removeprefix(of)] = tensor

    def step(self, line: str) -> None:
        """Adds a line to ``forward``."""
        self.steps.append(f"        {line}")

    def call(self, start: str, *arguments: str) -> None:
        """Adds a call to ``forward``, on several lines where it is long."""
        self.steps += statement(start, list(arguments))

    def joined(self, skip: int | None, name: str) -> tuple[str, int]:
        """Returns the name and the width of the latest features, joined as ``name`` with those at ``skip``."""
        latest, width = self.features[-1]
        if skip is None:
            return latest, width
        other, more = self.features[skip]
        self.step(f"{name} = torch.cat([{latest}, {other}], dim=-1)")
        return name, width + more
