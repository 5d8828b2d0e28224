"""The structures of `program.h`, and the encoding of a program in them."""

from __future__ import annotations

from ctypes import Structure, addressof, c_float, c_int32, c_int64, c_void_p
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from ctypes import CDLL, Array

    from evo_nas.models.instruction import Instruction
    from evo_nas.models.weight_layout import WeightLayout

_MOST_OPERANDS = 3


class CInstruction(Structure):
    """The C++ ``Instruction``; places are pairs of kind and index."""

    _fields_: ClassVar = [
        ("op", c_int32),
        ("accumulates", c_int32),
        ("scale", c_float),
        ("count", c_int32),
        ("first_part", c_int32),
        ("target", c_int32 * 2),
        ("operands", c_int32 * 3 * _MOST_OPERANDS),
    ]


class CProgram(Structure):
    """The C++ ``Program``."""

    _fields_: ClassVar = [
        ("inputs", c_int32),
        ("width", c_int32),
        ("states", c_int32),
        ("buffers", c_int32),
        ("linears", c_int32),
        ("reads_x", c_int32),
        ("has_bias", c_int32),
        ("units", c_int32),
        ("history", c_int32),
        ("carried", c_int32),
        ("prologue", c_int32),
        ("loop", c_int32),
        ("instructions", c_int32),
        ("parts", c_int32),
        ("linear", c_void_p),
        ("code", c_void_p),
        ("part_columns", c_void_p),
        ("carry", c_void_p),
        ("delays", c_void_p),
    ]


class CSequences(Structure):
    """The C++ ``Sequences``."""

    _fields_: ClassVar = [
        ("rows", c_int64),
        ("steps", c_int64),
        ("reversed", c_int32),
        ("order", c_void_p),
        ("lengths", c_void_p),
        ("active", c_void_p),
    ]


def declare(library: CDLL) -> CDLL:
    """Gives the library's functions their types, and returns it."""
    library.forward_floats.restype = library.backward_floats.restype = c_int64
    library.forward_floats.argtypes = [c_void_p, c_void_p, c_int32]
    library.backward_floats.argtypes = [c_void_p, c_void_p]
    library.forward_pass.restype = library.backward_pass.restype = None
    library.forward_pass.argtypes = [*[c_void_p] * 5, c_int32, *[c_void_p] * 3]
    library.backward_pass.argtypes = [c_void_p] * 10
    return library


class BoundProgram:
    """A cell's program in memory that the interpreter can read.

    Attributes:
        layout: The program and where its weights are.
        address: Address of the program for the interpreter, valid as long as this object lives.
    """

    def __init__(self, layout: WeightLayout) -> None:
        program = layout.program
        self.layout = layout
        self._linears = _integers(
            number
            for node, columns in enumerate(layout.columns)
            for number in (columns[-1].stop, layout.x_columns[node].start if node < program.reads_x else 0)
        )
        self._parts = _integers(columns.start for i in layout.products for _, columns in layout.columns_of(i))
        self._carry = _integers(number for value in program.carried for number in value)
        self._delays = _integers(number for value in program.delays for number in value)
        self._code = (CInstruction * len(program.instructions))(*_encoded(program.instructions))
        # ctypes keeps no reference to what an address points at: the arrays above are attributes so that they live.
        self._structure = CProgram(
            inputs=layout.inputs,
            width=layout.width,
            states=program.states,
            buffers=program.buffers,
            linears=len(program.linears),
            reads_x=program.reads_x,
            has_bias=program.has_bias,
            units=len(program.units),
            history=program.history,
            carried=len(program.carried),
            prologue=program.prologue,
            loop=program.loop,
            instructions=len(program.instructions),
            parts=len(self._parts),
            linear=addressof(self._linears),
            code=addressof(self._code),
            part_columns=addressof(self._parts),
            carry=addressof(self._carry),
            delays=addressof(self._delays),
        )
        self.address = addressof(self._structure)

    def __reduce__(self) -> tuple[type[BoundProgram], tuple[WeightLayout]]:
        return BoundProgram, (self.layout,)  # addresses mean nothing in a copy


def _integers(numbers: Iterable[int]) -> Array[c_int32]:
    numbers = list(numbers)
    return (c_int32 * len(numbers))(*numbers)


def _encoded(instructions: Iterable[Instruction]) -> Iterator[CInstruction]:
    first_part = 0
    for instruction in instructions:
        yield CInstruction(
            op=instruction.op.row.number,
            accumulates=instruction.accumulates,
            scale=instruction.scale,
            count=len(instruction.positions),
            first_part=first_part,
            target=(instruction.target.kind, instruction.target.index),
            operands=tuple(
                (operand.kind, operand.index, accumulates)
                for operand, accumulates in zip(
                    instruction.operands, instruction.gradient_accumulates, strict=True
                )
            ),
        )
        first_part += len(instruction.positions)
