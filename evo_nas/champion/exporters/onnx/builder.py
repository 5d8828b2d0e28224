"""`GraphBuilder`: writes the nodes of an ONNX graph, with Python's operators for those that have one."""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import onnx
from onnx import helper, numpy_helper

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import numpy.typing as npt

    Array = npt.NDArray[np.generic]
    Operand: TypeAlias = "Value | Array | float | int"
    Body = Callable[[Sequence["Value"], Sequence["Value"]], tuple[Sequence["Value"], Sequence["Value"]]]
    """Returns the states after a step and its outputs, from the states before it and the step of each sequence."""

OPSET = 18
"""The first version of the operators that has all that are used; runtimes since 2023 know it."""
SMALLEST_QUANTIZED = 64
"""Fewest numbers of a matrix that is worth a scale of its own for each column."""
FLOAT, DOUBLE, INT, UINT, BOOL, STRING = (
    onnx.TensorProto.FLOAT,
    onnx.TensorProto.DOUBLE,
    onnx.TensorProto.INT64,
    onnx.TensorProto.UINT64,
    onnx.TensorProto.BOOL,
    onnx.TensorProto.STRING,
)


@dataclass(frozen=True, slots=True)
class Value:
    """A value of a graph; operators between values, or with arrays and numbers, write nodes."""

    graph: GraphBuilder
    name: str

    def __add__(self, other: Operand) -> Value:
        return self.graph.node("Add", self, other)

    def __radd__(self, other: Operand) -> Value:
        return self.graph.node("Add", other, self)

    def __sub__(self, other: Operand) -> Value:
        return self.graph.node("Sub", self, other)

    def __rsub__(self, other: Operand) -> Value:
        return self.graph.node("Sub", other, self)

    def __mul__(self, other: Operand) -> Value:
        return self.graph.node("Mul", self, other)

    def __truediv__(self, other: Operand) -> Value:
        return self.graph.node("Div", self, other)

    def __mod__(self, other: Operand) -> Value:
        return self.graph.node("Mod", self, other)

    def __matmul__(self, other: Operand) -> Value:
        return self.graph.node("MatMul", self, other)

    def __neg__(self) -> Value:
        return self.graph.node("Neg", self)

    def __lt__(self, other: Operand) -> Value:
        return self.graph.node("Less", self, other)

    def __gt__(self, other: Operand) -> Value:
        return self.graph.node("Greater", self, other)

    def __and__(self, other: Value) -> Value:
        return self.graph.node("And", self, other)

    def __invert__(self) -> Value:
        return self.graph.node("Not", self)


class GraphBuilder:
    """Writes a graph node by node; inside of `scan` the nodes belong to the body of the loop.

    A number that is an operand becomes a constant: an int one of 64 bits, a float one of 32 bits.

    Args:
        opset: Version of the operators, `OPSET` or later.
        int8: Whether matrices of constants are stored as 8-bit integers.
    """

    def __init__(self, *, opset: int = OPSET, int8: bool = False) -> None:
        self._opset = opset
        self._int8 = int8
        self._before_all: list[onnx.NodeProto] = []
        self._initializers: dict[str, onnx.TensorProto] = {}
        self._constants: dict[tuple[Any, ...], Value] = {}
        self._nodes: list[onnx.NodeProto] = []
        self._inputs: list[onnx.ValueInfoProto] = []
        self._outputs: list[onnx.ValueInfoProto] = []
        self._used: Counter[str] = Counter()
        self._scope = ""

    @contextmanager
    def scope(self, name: str) -> Iterator[None]:
        """Begins the names of what is written meanwhile with ``name``."""
        outer, self._scope = self._scope, f"{self._scope}{name}/"
        try:
            yield
        finally:
            self._scope = outer

    def input(
        self, name: str, kind: int, shape: Sequence[int | str], *, default: Array | None = None
    ) -> Value:
        """Returns a new input of the graph.

        Args:
            name: Its name.
            kind: Type of its elements.
            shape: Its sizes; a word stands for one that is free.
            default: What it is where a caller leaves it out; None if it must be given.
        """
        self._inputs.append(helper.make_tensor_value_info(name, kind, shape))
        if default is not None:
            self._initializers[name] = numpy_helper.from_array(default, name)
        return Value(self, name)

    def output(self, value: Value, name: str, kind: int, shape: Sequence[int | str]) -> None:
        """Makes ``value`` an output of the graph; the arguments are as for `input`."""
        self._nodes.append(helper.make_node("Identity", [value.name], [name]))
        self._outputs.append(helper.make_tensor_value_info(name, kind, shape))

    def constant(self, array: Array | float, name: str = "constant") -> Value:
        """Returns a constant; one that is there already is used again."""
        given = np.asarray(array, order="C")
        if isinstance(array, float):
            given = given.astype(np.float32)
        key = (
            given.dtype.str,
            given.shape,
            tuple(given.tolist()) if given.dtype == object else given.tobytes(),
        )
        if key not in self._constants:
            is_matrix = given.ndim == 2 and given.dtype == np.float32 and given.size >= SMALLEST_QUANTIZED
            write = self._quantized if self._int8 and is_matrix else self._initializer
            self._constants[key] = write(given, name)
        return self._constants[key]

    def node(self, op: str, *inputs: Operand, **attributes: Any) -> Value:
        """Returns the only output of a new node."""
        return self.nodes(op, *inputs, count=1, **attributes)[0]

    def nodes(
        self, op: str, *inputs: Operand, count: int, domain: str = "", **attributes: Any
    ) -> list[Value]:
        """Returns the outputs of a new node that has ``count`` of them."""
        values = [each if isinstance(each, Value) else self.constant(each) for each in inputs]
        outputs = [self._new_name(op) for _ in range(count)]
        self._nodes.append(
            helper.make_node(
                op, [value.name for value in values], outputs, outputs[0], domain=domain, **attributes
            )
        )
        return [Value(self, output) for output in outputs]

    def scan(
        self, body: Body, states: Sequence[Value], sequences: Sequence[Value], *, backward: bool = False
    ) -> tuple[list[Value], list[Value]]:
        """Returns the states after the last step, and the outputs of all steps, each ``(batch, time, ...)``.

        Args:
            body: Writes one step. What it reads besides its arguments is the same at all steps.
            states: Those before the first step.
            sequences: ``(batch, time, ...)`` each, with at least one step.
            backward: Whether the last step comes first; outputs lie at the places of their inputs all the same.
        """
        outer, self._nodes = self._nodes, []
        before = [Value(self, self._new_name("state")) for _ in states]
        steps = [Value(self, self._new_name("step")) for _ in sequences]
        after, outputs = body(before, steps)
        # What a body hands out must be written in it: not an input of its own, and not a value from outside.
        results = [self.node("Identity", each) for each in (*after, *outputs)]
        graph = helper.make_graph(
            self._nodes, self._new_name("body"), _untyped([*before, *steps]), _untyped(results)
        )
        self._nodes = outer
        found = self.nodes(
            "Scan",
            *states,
            *sequences,
            count=len(results),
            body=graph,
            num_scan_inputs=len(sequences),
            scan_input_axes=[1] * len(sequences),
            scan_output_axes=[1] * len(outputs),
            scan_input_directions=[int(backward)] * len(sequences),
            scan_output_directions=[int(backward)] * len(outputs),
        )
        return found[: len(states)], found[len(states) :]

    def model(self, name: str, description: str, metadata: Mapping[str, str]) -> onnx.ModelProto:
        """Returns the finished model.

        Args:
            name: Name of its graph.
            description: What it computes, for a person.
            metadata: What a program wants to know of it, as text by name.
        """
        operators = [helper.make_opsetid("", self._opset)]
        nodes, constants = [*self._before_all, *self._nodes], list(self._initializers.values())
        graph = helper.make_graph(nodes, name, self._inputs, self._outputs, constants, description)
        model = helper.make_model(
            graph,
            opset_imports=operators,
            # The oldest file format that has the operators, so that old runtimes read it.
            ir_version=helper.find_min_ir_version_for(operators),
            producer_name="evo-nas",
        )
        helper.set_model_props(model, dict(metadata))
        return model

    def _initializer(self, array: Array, name: str) -> Value:
        named = self._new_name(name)
        self._initializers[named] = numpy_helper.from_array(array, named)
        return Value(self, named)

    def _quantized(self, matrix: Array, name: str) -> Value:
        """Returns a matrix whose columns are stored as integers with a scale each; a zero stays one."""
        scale = (np.abs(matrix).max(axis=0) / 127.0).astype(np.float32)
        scale = np.where(scale > 0, scale, np.float32(1.0))
        stored = self._initializer(np.rint(matrix / scale).astype(np.int8), f"{name}.int8")
        scales, whole = self._initializer(scale, f"{name}.scale"), self._new_name(name)
        # Before all other nodes, since the body of a loop may be the first to read it.
        self._before_all.append(
            helper.make_node("DequantizeLinear", [stored.name, scales.name], [whole], whole, axis=1)
        )
        return Value(self, whole)

    def _new_name(self, name: str) -> str:
        wanted = self._scope + name
        self._used[wanted] += 1
        # No name that is given ends like this, so that none is met twice.
        return f"{wanted}:{self._used[wanted]}"


def _untyped(values: Sequence[Value]) -> list[onnx.ValueInfoProto]:
    # Their types follow from what the loop is given.
    return [helper.make_empty_tensor_value_info(value.name) for value in values]
