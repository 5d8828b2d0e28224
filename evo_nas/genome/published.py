"""Reads and writes cells in the formats of others: DARTS genotypes, ENAS arcs and NAS-Bench-NLP recipes.

Each format has a reader and a writer. The reader limits the text and raises `GenomeError` if it is not a valid
cell; the writer raises `GenomeError` if the format cannot express the cell. Reading what was written gives a cell
with the same canonical form.
"""

from __future__ import annotations

import ast
import json
import re
from dataclasses import dataclass
from enum import StrEnum
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING, Annotated

from pydantic import FailFast, Field, TypeAdapter

from evo_nas.errors import GenomeError
from evo_nas.genome.canonical import canonical
from evo_nas.genome.cell import MAX_STATES, CellGraph, H, Node, X
from evo_nas.genome.cells import darts_cell
from evo_nas.genome.json_text import UNTRUSTED, read_object, validated
from evo_nas.genome.ops import MAX_NODES, Op

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MAX_STEPS = 50
MAX_GENOTYPE_CHARACTERS = 10_000
STEP_ACTIVATIONS = (Op.TANH, Op.RELU, Op.IDENTITY, Op.SIGMOID)
"""Activations of ENAS and DARTS steps, in the order of ENAS's numbers."""


@dataclass(frozen=True, slots=True)
class _Steps:
    """An ENAS or DARTS cell: activation of step 0, activation and predecessor of the others, steps averaged."""

    first: Op
    recurrent: tuple[tuple[Op, int], ...]
    concat: tuple[int, ...]

    def cell(self) -> CellGraph:
        return darts_cell(self.recurrent, self.concat, first=self.first)

    @property
    def loose_ends(self) -> tuple[int, ...]:
        """Steps that no other step reads."""
        read = {predecessor for _, predecessor in self.recurrent}
        return tuple(step for step in range(1 + len(self.recurrent)) if step not in read)


def read_genotype(text: str) -> CellGraph:
    """Returns the cell of a DARTS genotype (Liu et al. 2019).

    The text is what Python prints: ``Genotype(recurrent=[('relu', 0), ...], concat=range(1, 9))``.
    """
    if len(text) > MAX_GENOTYPE_CHARACTERS:
        raise GenomeError(
            f"the genotype has {len(text)} characters; at most {MAX_GENOTYPE_CHARACTERS} are allowed"
        )
    try:
        # Parsed and never executed, since the text may come from anywhere.
        recurrent, concat = _genotype_arguments(ast.parse(text.strip(), mode="eval").body)
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError) as error:
        raise GenomeError(
            f"the genotype cannot be read ({error}); must be Genotype(recurrent=[('tanh', 0), ...], concat=[...])"
        ) from error
    _check_steps("the genotype", [predecessor for _, predecessor in recurrent], concat)
    return _Steps(Op.TANH, tuple(recurrent), tuple(concat)).cell()


def write_genotype(cell: CellGraph) -> str:
    """Returns ``cell`` as a DARTS genotype."""
    steps = _steps_of(cell)
    if steps.first is not Op.TANH:
        raise GenomeError(f"the first step's activation is {steps.first}; a DARTS genotype has tanh there")
    recurrent = [(str(activation), predecessor) for activation, predecessor in steps.recurrent]
    return f"Genotype(recurrent={recurrent}, concat={list(steps.concat)})"


def read_arc(text: str) -> CellGraph:
    """Returns the cell of an ENAS arc (Pham et al. 2018): numbers between spaces.

    The activation of step 0, then predecessor and activation of each further step; activations are 0 tanh, 1 relu,
    2 identity, 3 sigmoid. The output is the mean of the steps that no other reads.
    """
    if not re.fullmatch(r"\s*\d{1,3}(\s+\d{1,3}){0,200}\s*", text):
        raise GenomeError(
            f"the arc is {text[:40]!r}; must be up to {2 * MAX_STEPS - 1} small numbers between spaces"
        )
    first, *rest = (int(number) for number in text.split())
    predecessors, activations = rest[::2], [first, *rest[1::2]]
    if len(predecessors) != len(activations) - 1:
        raise GenomeError(f"the arc has {1 + len(rest)} numbers; must be one, and two for each further step")
    unknown = next((number for number in activations if number >= len(STEP_ACTIVATIONS)), None)
    if unknown is not None:
        raise GenomeError(f"the arc names activation {unknown}; must be 0 to {len(STEP_ACTIVATIONS) - 1}")
    _check_steps("the arc", predecessors, [0])
    operations = [STEP_ACTIVATIONS[number] for number in activations]
    steps = _Steps(operations[0], tuple(zip(operations[1:], predecessors, strict=True)), ())
    return _Steps(steps.first, steps.recurrent, steps.loose_ends).cell()


def write_arc(cell: CellGraph) -> str:
    """Returns ``cell`` as an ENAS arc."""
    steps = _steps_of(cell)
    if steps.concat != steps.loose_ends:
        raise GenomeError(
            f"the output is the mean of steps {list(steps.concat)}; in an ENAS arc it is that of the steps which"
            f" no other reads, {list(steps.loose_ends)}"
        )
    numbers = [STEP_ACTIVATIONS.index(steps.first)]
    for activation, predecessor in steps.recurrent:
        numbers += [predecessor, STEP_ACTIVATIONS.index(activation)]
    return " ".join(map(str, numbers))


def _genotype_arguments(call: ast.expr) -> tuple[list[tuple[Op, int]], list[int]]:
    if not isinstance(call, ast.Call) or call.args:
        raise ValueError("it is no call with named arguments")
    arguments = {keyword.arg: keyword.value for keyword in call.keywords}
    if arguments.keys() != {"recurrent", "concat"}:
        raise ValueError("it must name recurrent and concat")
    steps = [(name, predecessor) for name, predecessor in ast.literal_eval(arguments["recurrent"])]
    activations = {str(op): op for op in STEP_ACTIVATIONS}
    for name, _ in steps:
        if not isinstance(name, str) or name not in activations:
            raise ValueError(f"{name!r} is none of {', '.join(STEP_ACTIVATIONS)}")
    recurrent = [(activations[name], predecessor) for name, predecessor in steps]
    return recurrent, _concat(arguments["concat"])


def _concat(argument: ast.expr) -> list[int]:
    """Returns a list or ``range(first, stop)`` of steps."""
    if isinstance(argument, ast.Call):
        first, stop = (ast.literal_eval(number) for number in argument.args)
        if not 0 <= first <= stop <= MAX_STEPS:
            raise ValueError(f"concat is range({first}, {stop}); a cell has at most {MAX_STEPS} steps")
        return list(range(first, stop))
    return list(ast.literal_eval(argument))


def _check_steps(name: str, predecessors: Sequence[object], concat: Sequence[object]) -> None:
    steps = 1 + len(predecessors)
    if steps > MAX_STEPS:
        raise GenomeError(f"{name} has {steps} steps; at most {MAX_STEPS} are allowed")
    for step, predecessor in enumerate(predecessors, start=1):
        if type(predecessor) is not int or not 0 <= predecessor < step:
            raise GenomeError(
                f"step {step} of {name} reads {predecessor!r}; must be an earlier step, 0 to {step - 1}"
            )
    for averaged in concat or [None]:
        if type(averaged) is not int or not 0 <= averaged < steps:
            raise GenomeError(
                f"{name} averages {list(concat)}; must be steps, 0 to {steps - 1}, and at least one"
            )


def _steps_of(cell: CellGraph) -> _Steps:
    """Returns the steps of ``cell``, however its nodes are ordered."""
    steps = _candidate_steps(cell)
    if steps is None or canonical(steps.cell()) != canonical(cell):
        raise GenomeError(
            "the cell is not of the ENAS and DARTS kind (a mean of steps s + sigmoid(c) * (activation(h) - s));"
            " write it as a recipe or as JSON"
        )
    return steps


def _candidate_steps(cell: CellGraph) -> _Steps | None:
    """Returns the steps that ``cell`` has if each of its blends is one; None if they cannot be steps."""
    numbers: dict[int, int] = {}
    activations: list[tuple[Op, int | None]] = []
    for reference, node in enumerate(cell.nodes, start=cell.first_node):
        if node.op is Op.BLEND:
            _, proposal, carried = node.inputs
            proposed = cell.nodes[proposal - cell.first_node].op if proposal >= cell.first_node else None
            activation = proposed if proposed in STEP_ACTIVATIONS else Op.IDENTITY
            activations.append((activation, None if carried == H else numbers.get(carried)))
            numbers[reference] = len(numbers)
    output = cell.outputs[0]
    averaged = (output,) if output in numbers else _inputs(cell, output)
    if cell.states != 1 or not activations or not averaged or not numbers.keys() >= set(averaged):
        return None
    (first, _), *others = activations
    recurrent = tuple((op, predecessor) for op, predecessor in others if predecessor is not None)
    if len(recurrent) < len(others):
        return None
    return _Steps(first, recurrent, tuple(sorted(numbers[step] for step in averaged)))


def _inputs(cell: CellGraph, reference: int) -> tuple[int, ...]:
    return cell.nodes[reference - cell.first_node].inputs if reference >= cell.first_node else ()


class RecipeOp(StrEnum):
    """Operations of NAS-Bench-NLP; its linear nodes have a bias."""

    LINEAR = "linear"
    BLEND = "blend"
    PRODUCT = "elementwise_prod"
    SUM = "elementwise_sum"
    TANH = "activation_tanh"
    SIGMOID = "activation_sigm"
    LEAKY_RELU = "activation_leaky_relu"


_RECIPE_OPS = {
    RecipeOp.LINEAR: Op.LINEAR,
    RecipeOp.BLEND: Op.BLEND,
    RecipeOp.PRODUCT: Op.MUL,
    RecipeOp.SUM: Op.ADD,
    RecipeOp.TANH: Op.TANH,
    RecipeOp.SIGMOID: Op.SIGMOID,
    RecipeOp.LEAKY_RELU: Op.LEAKY_RELU,
}
_RECIPE_NAMES = {op: name for name, op in _RECIPE_OPS.items()}


def read_recipe(text: str) -> CellGraph:
    """Returns the cell of a NAS-Bench-NLP recipe (Klyuchnikov et al. 2022).

    The text is a JSON object: node name -> ``{"op": ..., "input": [names]}``. The names ``x`` and ``h_prev_i`` are
    the input and the states, ``h_new_i`` the nodes that become the states.
    """
    plain = read_object(text, "recipe")
    if len(plain) > MAX_NODES:
        raise GenomeError(f"recipe has {len(plain)} entries; at most {MAX_NODES} are allowed")
    nodes = validated(_RECIPE, plain, "recipe")
    states = sum(f"h_new_{state}" in nodes for state in range(MAX_STATES))
    references = {"x": X, **{f"h_prev_{state}": H + state for state in range(states)}}
    ordered = _in_order(nodes, given=tuple(references))
    references.update((name, reference) for reference, name in enumerate(ordered, start=1 + states))
    return CellGraph(
        states,
        tuple(nodes[name].to_node(references) for name in ordered),
        tuple(_output(references, state) for state in range(states)),
    )


@dataclass(frozen=True, slots=True)
class _RecipeNode:
    """A node as the JSON of a recipe has it."""

    __pydantic_config__ = UNTRUSTED

    op: RecipeOp
    input: Annotated[tuple[str, ...], Field(max_length=MAX_NODES), FailFast()]

    def to_node(self, references: Mapping[str, int]) -> Node:
        inputs = tuple(references[source] for source in self.input)
        return Node(_RECIPE_OPS[self.op], inputs, bias=self.op is RecipeOp.LINEAR)


_RECIPE = TypeAdapter(dict[str, _RecipeNode])


def _in_order(nodes: Mapping[str, _RecipeNode], *, given: tuple[str, ...]) -> list[str]:
    """Returns the nodes' names, each after those that it reads."""
    for name, node in nodes.items():
        unknown = next((source for source in node.input if source not in nodes and source not in given), None)
        if name in given or unknown is not None:
            raise GenomeError(
                f"recipe.{name} reads {unknown or name}; must read {', '.join(given)} or other nodes, and h_prev_i"
                " needs a node h_new_i"
            )
    sorter = TopologicalSorter({name: node.input for name, node in nodes.items()})
    try:
        return [name for name in sorter.static_order() if name in nodes]
    except CycleError as error:
        raise GenomeError(f"the recipe has a cycle: {' reads '.join(error.args[1])}; remove it") from error


def _output(references: Mapping[str, int], state: int) -> int:
    name = f"h_new_{state}"
    if name not in references:
        raise GenomeError(f"the recipe has no node {name}; number the new states from h_new_0 without gaps")
    return references[name]


def write_recipe(cell: CellGraph) -> str:
    """Returns ``cell`` as a NAS-Bench-NLP recipe."""
    outputs = {reference: f"h_new_{state}" for state, reference in enumerate(cell.outputs)}
    if len(outputs) < cell.states or min(outputs) < cell.first_node:
        raise GenomeError(
            f"cell.outputs is {list(cell.outputs)}; in a recipe every state has a node of its own"
        )
    names = ["x", *(f"h_prev_{state}" for state in range(cell.states))]
    recipe = {}
    for index, node in enumerate(cell.nodes):
        if node.op not in _RECIPE_NAMES or (node.op is Op.LINEAR and not node.bias):
            raise GenomeError(
                f"cell.nodes[{index}] is {node.op}{'' if node.bias else ' without bias'}; a recipe has only linear with"
                f" bias, {', '.join(op for op in _RECIPE_NAMES if op is not Op.LINEAR)}"
            )
        name = outputs.get(cell.first_node + index, f"node_{index}")
        recipe[name] = {"op": str(_RECIPE_NAMES[node.op]), "input": [names[source] for source in node.inputs]}
        names.append(name)
    return json.dumps(recipe)
