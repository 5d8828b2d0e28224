"""Initial weights from a generator of one's own, whatever layers draw them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch.utils._python_dispatch import TorchDispatchMode

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import torch


class DrawingFrom(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch does not annotate it
    """A context in which what this thread draws, and nobody named a generator for, comes from ``generator``.

    Layers of torch draw their weights in their constructors, from a generator that all threads of a process share.
    """

    def __init__(self, generator: torch.Generator) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._generator = generator

    def __torch_dispatch__(
        self,
        func: torch._ops.OpOverload,
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Runs an operation, with the generator if it takes one."""
        chosen = dict(kwargs or {})
        if chosen.get("generator") is None and any(
            argument.name == "generator" for argument in func._schema.arguments
        ):
            chosen["generator"] = self._generator
        return func(*args, **chosen)
