"""Makes any layer draw its initial weights from a given generator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch import Tensor
from torch.nn import init
from torch.overrides import TorchFunctionMode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import torch

# Both the functions of `torch.nn.init` and the tensor methods that some layers call directly.
_RANDOM_INITIALISERS = frozenset(
    {
        *(Tensor.bernoulli_, Tensor.normal_, Tensor.uniform_),
        *(init.kaiming_normal_, init.kaiming_uniform_, init.normal_, init.orthogonal_, init.trunc_normal_),
        *(init.uniform_, init.xavier_normal_, init.xavier_uniform_),
    }
)


class SeededInit(TorchFunctionMode):
    """A context in which layers that this thread builds draw their weights from ``generator``.

    Torch's layers draw their weights in their constructors, from a generator that all threads of a process share.
    A call that names a generator keeps it.
    """

    def __init__(self, generator: torch.Generator) -> None:
        super().__init__()
        self._generator = generator

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Calls a function of torch, with the generator if the function draws."""
        chosen = dict(kwargs or {})
        if func in _RANDOM_INITIALISERS and chosen.get("generator") is None:
            chosen["generator"] = self._generator
        return func(*args, **chosen)
