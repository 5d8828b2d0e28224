"""Reads what another program proposes, one JSON object a line, which cannot be trusted.

A line has one of four forms::

    {"genome": [0, 3, 1, ...]}
    {"architecture": {"format": 1, "layers": [...], ...}}
    {"cell": "lstm", "base": "best"}
    {"recipe": {"layers": 2, "layer1.width": 64, "training.learning_rate": 0.01}, "base": 57}

A cell is the name of a published one, its text in a format that `evo-nas cell` reads, or a JSON object. A recipe names
genes and their choices, and may name a cell for all layers. Both change a base: the best network so far, a founder or a
candidate.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from evo_nas.errors import GenomeError
from evo_nas.genome.cell_text import read_cell_text
from evo_nas.genome.codec import from_json
from evo_nas.genome.json_text import read_object

if TYPE_CHECKING:
    from collections.abc import Callable

    from evo_nas.genome.gene import Gene, Genome
    from evo_nas.genome.space import SearchSpace

    BaseOf = Callable[[object], Genome]

FORMS = ("genome", "architecture", "cell", "recipe")
EXAMPLES = (
    '{"genome": [one index of a choice for each gene]}',
    '{"architecture": {as in the best ones}}',
    '{"cell": a published name, a text or an object, "base": "best", a founder or the id of a candidate}',
    '{"recipe": {a gene: its choice, ...}, "base": as above}',
)
"""The forms of a line as a program is told of them; each may also have a note."""
BEST = "best"
MOST_CHARACTERS = 100_000
"""Of a line: the largest architecture of any space is far smaller."""
MOST_NOTE_CHARACTERS = 1000
_ON_A_BASE = ("cell", "recipe")
_SHOWN_CHARACTERS = 60


@dataclass(frozen=True, slots=True)
class Suggested:
    """What a line proposes.

    Attributes:
        genome: The genome; nothing is said of whether it is feasible.
        note: Why, in the words of whoever proposes; empty if nothing was said.
    """

    genome: Genome
    note: str


def read_suggestion(text: str, space: SearchSpace, base_of: BaseOf) -> Suggested:
    """Returns what the line ``text`` proposes.

    Args:
        text: One JSON object.
        space: The search space.
        base_of: Returns the genome of a base by its name or number; raises `GenomeError` if there is none.

    Raises:
        GenomeError: It is malformed, or not in the space; the message says what is wrong.
    """
    if len(text) > MOST_CHARACTERS:
        raise GenomeError(f"the proposal has {len(text)} characters; at most {MOST_CHARACTERS} are allowed")
    fields = read_object(text, "proposal")
    form = _form_of(fields)
    note = fields.get("note", "")
    if not isinstance(note, str) or len(note) > MOST_NOTE_CHARACTERS:
        raise GenomeError(
            f"note is {_shown(note)}; must be a text of at most {MOST_NOTE_CHARACTERS} characters"
        )
    value = fields[form]
    if form == "genome":
        return Suggested(_genome(value, space), note)
    if form == "architecture":
        return Suggested(space.encode(from_json(_object_text(value, form))), note)
    base = base_of(fields.get("base", BEST))
    made = _with_cell(base, value, space) if form == "cell" else _with_choices(base, value, space)
    return Suggested(made, note)


def plain_choice(choice: object) -> bool | int | float | str | None:
    """Returns a gene's choice as JSON has it: a number, true, false, null, or a text."""
    if choice is None or type(choice) in (bool, int, float):
        return choice  # type: ignore[return-value]  # mypy does not narrow by exact types
    return str(choice)


def _form_of(fields: dict[str, Any]) -> str:
    forms = [form for form in FORMS if form in fields]
    if len(forms) != 1:
        given = f"has {' and '.join(forms)}" if forms else f"has the keys {_shown(list(fields))}"
        raise GenomeError(f"the proposal {given}; must have exactly one of {', '.join(FORMS)}")
    permitted = {forms[0], "note", *(("base",) if forms[0] in _ON_A_BASE else ())}
    for key in fields:
        if key not in permitted:
            raise GenomeError(
                f"the proposal has the unknown key {_shown(key)}; beside {forms[0]} it may have "
                f"{', '.join(sorted(permitted - {forms[0]}))}"
            )
    return forms[0]


def _genome(value: object, space: SearchSpace) -> Genome:
    if not isinstance(value, list) or not all(type(each) is int for each in value):
        raise GenomeError(f"genome is {_shown(value)}; must be a list of {len(space.genes)} integers")
    genome = tuple(value)
    space.decode(genome)  # raises an error for what is out of bounds
    return genome


def _object_text(value: object, name: str) -> str:
    if not isinstance(value, dict):
        raise GenomeError(f"{name} is {_shown(value)}; must be an object")
    return json.dumps(value)


def _with_cell(base: Genome, value: object, space: SearchSpace) -> Genome:
    """Returns ``base`` with the cell ``value`` in all of its layers."""
    if not isinstance(value, str | dict):
        raise GenomeError(f"cell is {_shown(value)}; must be a name, a text or an object")
    cell = read_cell_text(value if isinstance(value, str) else json.dumps(value))
    architecture = space.decode(base)
    layers = tuple(replace(layer, cell=cell) for layer in architecture.layers)
    return space.encode(replace(architecture, layers=layers))


def _with_choices(base: Genome, value: object, space: SearchSpace) -> Genome:
    """Returns ``base`` with what the recipe ``value`` chooses; ``width`` means the gene of all layers."""
    if not isinstance(value, dict) or not value:
        raise GenomeError(f"recipe is {_shown(value)}; must be an object of genes and their choices")
    positions = {gene.name: position for position, gene in enumerate(space.genes)}
    genome = list(base)
    choices = {name: choice for name, choice in value.items() if name != "cell"}
    for name, choice in choices.items():
        layers = [gene for gene in positions if gene.startswith("layer") and gene.endswith(f".{name}")]
        named = [name] if name in positions else [gene for gene in layers if gene.split(".")[0][5:].isdigit()]
        if not named:
            raise GenomeError(
                f"recipe names {_shown(name)}, which is no gene of this space; `evo-nas ask` lists them"
            )
        for gene in named:
            position = positions[gene]
            genome[position] = _value_of(space.genes[position], choice)
    # Last, since it is for the layers that the recipe makes.
    return _with_cell(tuple(genome), value["cell"], space) if "cell" in value else tuple(genome)


def _value_of(gene: Gene, choice: object) -> int:
    plain = [plain_choice(each) for each in gene.choices]
    for value, permitted in enumerate(plain):
        # In Python true equals 1, and in JSON it does not.
        if permitted == choice and isinstance(permitted, bool) == isinstance(choice, bool):
            return value
    raise GenomeError(
        f"recipe.{gene.name} is {_shown(choice)}; must be one of {', '.join(map(json.dumps, plain))}"
    )


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}..."
