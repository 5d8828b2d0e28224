"""A fake CUDA graph that holds a step to the same rules on any device."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map_only

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_WAITING = {
    torch.ops.aten._linalg_check_errors,
    torch.ops.aten._local_scalar_dense,
    torch.ops.aten._unique,
    torch.ops.aten._unique2,
    torch.ops.aten.bincount,
    torch.ops.aten.equal,
    torch.ops.aten.masked_select,
    torch.ops.aten.nonzero,
    torch.ops.aten.unique_consecutive,
    torch.ops.aten.unique_dim,
    torch.ops.aten.unique_dim_consecutive,
}
"""Operations whose result, or its size, must come to the host."""
_INDEXING = {
    torch.ops.aten._index_put_impl_,
    torch.ops.aten._unsafe_index,
    torch.ops.aten._unsafe_index_put,
    torch.ops.aten.index,
    torch.ops.aten.index_put,
    torch.ops.aten.index_put_,
}
"""Operations that must know how many elements a mask selects."""


class _Operation(NamedTuple):
    """An operation of torch with the memory that it read and wrote, and the mode it ran in."""

    function: torch._ops.OpOverload
    args: Sequence[Any]
    kwargs: Mapping[str, Any]
    made: list[Tensor]
    in_grad_mode: bool


class FakeCudaGraph:
    """Records each operation of torch with the memory that it worked on, and repeats exactly those.

    As with a CUDA graph, nothing else of the function runs again: numbers of Python are what they were, a tensor that
    was replaced since is not seen, and an operation that is known to wait for a result is refused. A copy to the host
    looks like any other copy here: only a GPU shows that there is none.

    The class itself is a `graphed_steps.GraphFactory`.
    """

    def __init__(self, generator: torch.Generator | None = None) -> None:
        self._operations: list[_Operation] = []

    def record(self, run: Callable[[], object]) -> None:
        """Does ``run`` and records it.

        Raises:
            RuntimeError: It waited for a result, or made a tensor of a size that depends on values.
        """
        with _Recorder(self._operations):
            run()

    def replay(self) -> None:
        """Repeats the operations; results go where they went."""
        with torch._C._AutoDispatchBelowAutograd():
            for operation in self._operations:
                with torch.set_grad_enabled(operation.in_grad_mode):  # which decides what torch's LSTM keeps
                    results = operation.function(*operation.args, **operation.kwargs)
                for kept, new in zip(operation.made, _tensors(results), strict=False):
                    kept.copy_(new)


class _Recorder(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch does not annotate it
    def __init__(self, operations: list[_Operation]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._operations = operations

    def __torch_dispatch__(
        self,
        func: torch._ops.OpOverload,
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Runs an operation and writes it down."""
        if _waits(func, args, kwargs or {}):
            raise RuntimeError(f"{func} waits for the device, which cannot be captured")
        kept_args, kept_kwargs = tree_map_only(Tensor, torch.detach, (args, kwargs or {}))
        results = func(*args, **(kwargs or {}))
        if not func.is_view and torch.Tag.inplace_view not in func.tags:
            aliased = any(result.alias_info for result in func._schema.returns)
            made = [] if aliased else [tensor.detach() for tensor in _tensors(results)]
            in_grad_mode = torch.is_grad_enabled()
            self._operations.append(_Operation(func, kept_args, kept_kwargs, made, in_grad_mode))
        return results


def _waits(function: torch._ops.OpOverload, args: Sequence[Any], kwargs: Mapping[str, Any]) -> bool:
    """Returns whether an operation is known to wait for the device."""
    if function.overloadpacket in _INDEXING:
        return any(index is not None and index.dtype in (torch.bool, torch.uint8) for index in args[1])
    if function is torch.ops.aten.repeat_interleave.Tensor:
        return kwargs.get("output_size") is None
    return function.overloadpacket in _WAITING


def _tensors(results: object) -> list[Tensor]:
    return [value for value in tree_flatten(results)[0] if isinstance(value, Tensor)]
