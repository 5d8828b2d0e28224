"""A program as the interpreter sees it in memory."""

from __future__ import annotations

import copy
import ctypes

import pytest

from evo_nas.genome.cells import NAMED_CELLS
from evo_nas.models.native.binding import BoundProgram, CInstruction, CProgram
from evo_nas.models.program import assemble
from evo_nas.models.weight_layout import WeightLayout

INPUTS, WIDTH = 3, 4
every_cell = pytest.mark.parametrize("name", NAMED_CELLS)


def bound(name: str) -> BoundProgram:
    cell = NAMED_CELLS[name]
    return BoundProgram(WeightLayout(cell, assemble(cell), inputs=INPUTS, width=WIDTH))


def structure(program: BoundProgram) -> CProgram:
    return CProgram.from_address(program.address)


@every_cell
def test_the_numbers_of_a_program_are_where_the_interpreter_reads_them(name) -> None:
    program = bound(name)
    seen, expected = structure(program), program.layout.program
    assert (seen.inputs, seen.width, seen.states) == (INPUTS, WIDTH, expected.states)
    assert (seen.buffers, seen.linears, seen.instructions) == (
        expected.buffers,
        len(expected.linears),
        len(expected.instructions),
    )
    assert (seen.reads_x, seen.has_bias) == (expected.reads_x, expected.has_bias)
    assert (seen.units, seen.history, seen.carried) == (
        len(expected.units),
        expected.history,
        len(expected.carried),
    )


@every_cell
def test_instructions_name_the_places_that_they_read_and_write(name) -> None:
    program = bound(name)
    instructions = program.layout.program.instructions
    seen = (CInstruction * len(instructions)).from_address(structure(program).code)
    for actual, expected in zip(seen, instructions, strict=True):
        assert tuple(actual.target) == (expected.target.kind, expected.target.index)
        operands = [tuple(operand) for operand in actual.operands][: len(expected.operands)]
        assert operands == [
            (place.kind, place.index, accumulates)
            for place, accumulates in zip(expected.operands, expected.gradient_accumulates, strict=True)
        ]


@every_cell
def test_each_product_finds_the_columns_of_the_weights_that_it_uses(name) -> None:
    program = bound(name)
    layout, seen = program.layout, structure(program)
    columns = (ctypes.c_int32 * seen.parts).from_address(seen.part_columns)
    code = (CInstruction * seen.instructions).from_address(seen.code)
    for actual, expected in zip(code, layout.program.instructions, strict=True):
        parts = columns[actual.first_part : actual.first_part + actual.count]
        wanted = [part.start for _, part in layout.columns_of(expected)] if expected.positions else []
        assert parts == wanted


def test_a_copy_has_memory_of_its_own() -> None:
    program = bound("lstm")
    twin = copy.deepcopy(program)
    assert twin.address != program.address
    assert bytes(structure(twin))[:48] == bytes(structure(program))[:48]  # all numbers, none of the addresses
