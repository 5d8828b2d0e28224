"""Reads a cell from the name of a published one, from text in one of four formats, or from a file."""

from __future__ import annotations

import difflib
import hashlib
import re
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from evo_nas.errors import GenomeError
from evo_nas.genome.canonical import canonical
from evo_nas.genome.cells import NAMED_CELLS, cell_name
from evo_nas.genome.codec import cell_from_json, cell_to_json
from evo_nas.genome.json_text import MAX_CHARACTERS, read_object
from evo_nas.genome.published import (
    read_arc,
    read_genotype,
    read_recipe,
    write_arc,
    write_genotype,
    write_recipe,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from evo_nas.genome.cell import CellGraph

_SHOWN_CHARACTERS = 40
_ARC = re.compile(r"[\d\s]+")


class CellFormat(StrEnum):
    """The text formats of a cell."""

    JSON = "json"
    """The format of evo-nas, which can express every cell."""
    RECIPE = "recipe"
    """NAS-Bench-NLP (Klyuchnikov et al., 2022)."""
    GENOTYPE = "genotype"
    """DARTS (Liu et al., 2019)."""
    ARC = "arc"
    """ENAS (Pham et al., 2018)."""


class _Codec(NamedTuple):
    read: Callable[[str], CellGraph]
    write: Callable[[CellGraph], str]


_CODECS: Mapping[CellFormat, _Codec] = {
    CellFormat.JSON: _Codec(cell_from_json, cell_to_json),
    CellFormat.RECIPE: _Codec(read_recipe, write_recipe),
    CellFormat.GENOTYPE: _Codec(read_genotype, write_genotype),
    CellFormat.ARC: _Codec(read_arc, write_arc),
}


def write_cell(cell: CellGraph, form: CellFormat) -> str:
    """Returns ``cell`` in one of the formats, on one line.

    Raises:
        GenomeError: The format cannot express the cell.
    """
    return _CODECS[form].write(cell)


def read_cell(source: str, *, base: Path) -> CellGraph:
    """Returns the cell for ``source``.

    Args:
        source: The name of a published cell, the text of a cell, or the path of a file with one.
        base: Directory that a relative path starts from.

    Raises:
        GenomeError: ``source`` is none of these, or the text is not a valid cell.
    """
    text = source.strip()
    if (cell := _written_in(text)) is not None:
        return cell
    path = base / Path(text).expanduser()
    cell = _written_in(_content_of(path, source=text).strip())
    if cell is None:
        raise GenomeError(f"{path} holds no cell; must be {_FORMATS_IN_WORDS}")
    return cell


def read_cell_text(text: str) -> CellGraph:
    """Returns the cell that ``text`` names or spells, and reads no file, whatever it says.

    Raises:
        GenomeError: It is neither the name of a published cell nor a valid text.
    """
    if (cell := _written_in(text.strip())) is not None:
        return cell
    close = difflib.get_close_matches(text, NAMED_CELLS, n=1, cutoff=0.6)
    guess = f"did you mean {close[0]}? " if close else ""
    raise GenomeError(
        f"the cell {_shown(text)} is no known name; {guess}must be one of {', '.join(NAMED_CELLS)}, or"
        f" {_FORMATS_IN_WORDS}"
    )


def is_written_out(source: str) -> bool:
    """Whether ``source`` names a published cell or is the text of one; `read_cell` takes any other for a file."""
    text = source.strip()
    return text in NAMED_CELLS or text.startswith(("{", "Genotype")) or _ARC.fullmatch(text) is not None


def _written_in(text: str) -> CellGraph | None:
    """Returns the cell that ``text`` names or spells; None if it looks like neither."""
    if text in NAMED_CELLS:
        return NAMED_CELLS[text]
    form = _format_of(text)
    return None if form is None else _CODECS[form].read(text)


def settled_text(cell: CellGraph) -> str:
    """Returns the one text for all cells that are equal: the name of a published one, or the canonical JSON."""
    return cell_name(cell) or cell_to_json(canonical(cell))


def label_of(text: str) -> str:
    """Returns a short name for what `settled_text` returned."""
    if text in NAMED_CELLS:
        return text
    return f"cell-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def cell_of(text: str) -> CellGraph:
    """Returns the cell that `settled_text` described."""
    return NAMED_CELLS[text] if text in NAMED_CELLS else cell_from_json(text)


_FORMATS_IN_WORDS = (
    "a JSON object (a NAS-Bench-NLP recipe or a cell of evo-nas), a DARTS genotype such as"
    " Genotype(recurrent=[('tanh', 0)], concat=[1]), or an ENAS arc such as 0 0 1"
)


def _format_of(text: str) -> CellFormat | None:
    """Returns the format that ``text`` is meant to be in; None if it looks like none of them."""
    if text.startswith("{"):
        # Every key of a recipe is a node, which is an object; a cell of ours has a number as its format.
        fields = read_object(text, "cell").values()
        is_recipe = all(isinstance(field, dict) for field in fields)
        return CellFormat.RECIPE if is_recipe else CellFormat.JSON
    if text.startswith("Genotype"):
        return CellFormat.GENOTYPE
    if _ARC.fullmatch(text):
        return CellFormat.ARC
    return None


def _content_of(path: Path, *, source: str) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_CHARACTERS + 1)
    except FileNotFoundError:
        raise GenomeError(_unknown(source)) from None
    except (OSError, ValueError) as error:  # a ValueError for a path with a zero byte
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise GenomeError(f"the cell {_shown(source)} cannot be read: {reason}") from None
    if len(content) > MAX_CHARACTERS:
        raise GenomeError(f"{path} has more than {MAX_CHARACTERS} bytes; is it the file of a cell?")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise GenomeError(f"{path} is not UTF-8 at byte {error.start}; save it as UTF-8") from None


def _unknown(source: str) -> str:
    close = difflib.get_close_matches(source, NAMED_CELLS, n=1, cutoff=0.6)
    guess = f"did you mean {close[0]}? " if close else ""
    return (
        f"the cell {_shown(source)} is no known name and no file; {guess}must be one of {', '.join(NAMED_CELLS)},"
        f" or the text or the file of {_FORMATS_IN_WORDS}"
    )


def _shown(source: str) -> str:
    return repr(source if len(source) <= _SHOWN_CHARACTERS else f"{source[:_SHOWN_CHARACTERS]}...")
