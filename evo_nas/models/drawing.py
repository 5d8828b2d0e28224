"""Initial weights from a generator of one's own, whatever layers draw them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch import Tensor
from torch.nn import init
from torch.overrides import TorchFunctionMode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import torch

_DRAWING = frozenset(
    {
        *(Tensor.bernoulli_, Tensor.normal_, Tensor.uniform_),
        *(init.kaiming_normal_, init.kaiming_uniform_, init.normal_, init.orthogonal_, init.trunc_normal_),
        *(init.uniform_, init.xavier_normal_, init.xavier_uniform_),
    }
)


class DrawingFrom(TorchFunctionMode):
    """A context in which the weights that this thread draws come from ``generator`` unless they name another.

    Layers of torch draw their weights in their constructors, from a generator that all threads of a process share.
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
        """Calls a function of torch, with the generator if it draws."""
        chosen = dict(kwargs or {})
        if func in _DRAWING and chosen.get("generator") is None:
            chosen["generator"] = self._generator
        return func(*args, **chosen)
