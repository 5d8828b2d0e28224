"""Tables as people may have them, and configurations of the tasks that read files; drawn by hypothesis.

Hypothesis draws the shape of a table - kinds of columns, names, holes, size, format - and NumPy its cells, so that a
table is cheap and a failure shrinks to few columns.
"""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import lzma
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import strategies as st
from pyarrow import feather, parquet

from evo_nas.tasks.registry import TASKS

Cells = list[Any]
Columns = dict[str, Cells]
Fill = Callable[[np.random.Generator, int], Cells]

ROWS = (0, 1, 2, 3, 8, 20, 40, 60, 60, 60, 90)
STEPS = 5
"""Rows of one sequence, where a row is a step."""
WORDS = ("wind", "rain", "sun", "NA", "nan", "-", "null", "größer", "क्षि", "10", "it's")


def _lengths(rows: int) -> list[int]:
    return [1 + row % 4 for row in range(rows)]


KINDS: dict[str, Fill] = {
    "floats": lambda rng, n: rng.normal(size=n).tolist(),
    "integers": lambda rng, n: rng.integers(-1000, 1000, n).tolist(),
    "few integers": lambda rng, n: rng.integers(0, 4, n).tolist(),
    "frames": lambda rng, n: rng.integers(0, 2, (n, 4, 3)).tolist(),
    "walk": lambda rng, n: rng.normal(size=n).cumsum().tolist(),
    "season": lambda rng, n: (np.sin(np.arange(n) * np.pi / 6) + rng.normal(size=n) / 9).tolist(),
    "constant": lambda rng, n: [7.5] * n,
    "nearly constant": lambda rng, n: (1e9 + rng.normal(size=n) * 1e-6).tolist(),
    "huge": lambda rng, n: (rng.normal(size=n) * 1e30).tolist(),
    "beyond": lambda rng, n: (rng.normal(size=n) * 1e300).tolist(),
    "tiny": lambda rng, n: (rng.normal(size=n) * 1e-40).tolist(),
    "tinier": lambda rng, n: (rng.normal(size=n) * 1e-300).tolist(),
    "infinite": lambda rng, n: rng.choice(
        [0.5, np.inf, -np.inf, np.nan], n, p=[0.9, 0.03, 0.03, 0.04]
    ).tolist(),
    "numerals": lambda rng, n: rng.choice(
        ["1e5", "+3", "1_000", "0x10", "1,5", "٣", ".5", "1e400", "--1", "²"], n
    ).tolist(),
    "half numeric": lambda rng, n: rng.choice(["1.5", "2", "n/a", "three"], n).tolist(),
    "booleans": lambda rng, n: [bool(value) for value in rng.integers(0, 2, n)],
    "classes": lambda rng, n: rng.choice(["up", "down", "mid"], n).tolist(),
    "markup": lambda rng, n: rng.choice(
        ["[/INST]", "[bold]x", ":smile:", "\x1b[31m", "a\nb", "'", ""], n
    ).tolist(),
    "many words": lambda rng, n: [f"w{value}" for value in rng.integers(0, 10**6, n)],
    "padded": lambda rng, n: rng.choice([0, 1, 2, -100], n).tolist(),
    "texts": lambda rng, n: [f"{row} {' '.join(rng.choice(WORDS, 1 + row % 5))}" for row in range(n)],
    "long texts": lambda rng, n: ["word " * 300 + str(row) for row in range(n)],
    "letters": lambda rng, n: ["".join(rng.choice(list("ACGT"), 1 + row % 30)) for row in range(n)],
    "identifiers": lambda rng, n: [f"r{row}" for row in range(n)],
    "numbers of rows": lambda rng, n: list(range(n)),
    "sequences": lambda rng, n: [f"s{row // STEPS}" for row in range(n)],
    "class of sequence": lambda rng, n: [("up", "down", "mid")[row // STEPS % 3] for row in range(n)],
    "number of sequence": lambda rng, n: [row // STEPS * 1.5 for row in range(n)],
    "group of sequence": lambda rng, n: [f"g{row // STEPS % 4}" for row in range(n)],
    "time of sequence": lambda rng, n: [row % STEPS for row in range(n)],
    "few series": lambda rng, n: [f"s{row // max(n // 2, 1)}" for row in range(n)],
    "groups": lambda rng, n: [f"g{value}" for value in rng.integers(0, 6, n)],
    "days": lambda rng, n: [str(np.datetime64("2024-01-28") + row) for row in range(n)],
    "hours": lambda rng, n: [f"{np.datetime64('2024-03-30T20') + row}:00+01:00" for row in range(n)],
    "day first": lambda rng, n: [f"{1 + row % 28:02}.{1 + row // 28:02}.2024" for row in range(n)],
    "months": lambda rng, n: [str(np.datetime64("2001-01") + row) for row in range(n)],
    "irregular": lambda rng, n: [
        str(np.datetime64("2024-01-01") + int(day)) for day in rng.integers(0, 99, n).cumsum()
    ],
    "shuffled": lambda rng, n: [str(np.datetime64("2024-01-01") + int(day)) for day in rng.permutation(n)],
    "seconds": lambda rng, n: (1_700_000_000 + 60 * np.arange(n)).tolist(),
    "lists": lambda rng, n: [rng.normal(size=length).tolist() for length in _lengths(n)],
    "long lists": lambda rng, n: [rng.normal(size=8 + row % 5).tolist() for row in range(n)],
    "equal lists": lambda rng, n: rng.normal(size=(n, 4)).tolist(),
    "pairs": lambda rng, n: [rng.normal(size=(length, 2)).tolist() for length in _lengths(n)],
    "lists with holes": lambda rng, n: [[0.5, None, float(value)] for value in rng.normal(size=n)],
    "empty lists": lambda rng, n: [[] if row % 7 == 3 else [float(row)] for row in range(n)],
    "tokens": lambda rng, n: [
        [f"t{row}", *rng.choice(WORDS, length - 1)] for row, length in enumerate(_lengths(n))
    ],
    "tags": lambda rng, n: [rng.choice(["N", "V", "[X]"], length).tolist() for length in _lengths(n)],
    "token texts": lambda rng, n: [
        " ".join([f"t{row}", *"abc"[: length - 1]]) for row, length in enumerate(_lengths(n))
    ],
    "tag texts": lambda rng, n: [" ".join(rng.choice(["A", "B"], length)) for length in _lengths(n)],
    "objects": lambda rng, n: [{"a": row} for row in range(n)],
    "nothing": lambda rng, n: [None] * n,
}

TEMPLATES: dict[str, list[tuple[dict[str, str], dict[str, Any]]]] = {
    "classification": [
        ({"x0": "floats", "x1": "integers", "x2": "floats", "label": "classes"}, {}),
        ({"id": "identifiers", "a": "floats", "b": "walk", "kind": "classes"}, {}),
        ({"x": "equal lists", "label": "classes"}, {}),
        ({"x": "pairs", "y": "few integers"}, {}),
        (
            {"sid": "sequences", "a": "floats", "b": "floats", "label": "class of sequence"},
            {"sequence": "sid"},
        ),
        ({"a": "floats", "b": "floats", "who": "groups", "label": "classes"}, {"group": "who"}),
    ],
    "labelling": [
        ({"sid": "sequences", "a": "floats", "b": "walk", "label": "classes"}, {"sequence": "sid"}),
        (
            {"sid": "sequences", "t": "time of sequence", "x": "floats", "y": "few integers"},
            {"sequence": "sid"},
        ),
        ({"sid": "sequences", "x": "floats", "label": "padded"}, {"sequence": "sid"}),
        ({"x": "lists", "label": "tags"}, {}),
    ],
    "few_shot": [
        (
            {"a": "floats", "b": "floats", "label": "groups"},
            {"shots": 1, "queries": 1, "episodes": 8},
        )
    ],
    "regression": [
        ({"a": "floats", "b": "walk", "target": "floats"}, {}),
        ({"x": "lists", "target": "floats"}, {}),
        ({"sid": "sequences", "a": "floats", "target": "number of sequence"}, {"sequence": "sid"}),
    ],
    "forecast": [
        ({"a": "walk", "b": "season"}, {"targets": ["b"], "window": 4, "horizon": 2}),
        ({"date": "days", "a": "walk", "b": "season"}, {"targets": ["a", "b"], "window": 5, "horizon": 1}),
        ({"ts": "hours", "a": "season", "c": "constant"}, {"targets": ["a"], "window": 3, "horizon": 1}),
        ({"id": "few series", "a": "walk"}, {"targets": ["a"], "window": 3, "horizon": 1, "series": "id"}),
        ({"day": "days", "a": "walk"}, {"targets": ["a"], "window": 3, "horizon": 1, "time": "day"}),
        ({"t": "irregular", "a": "walk"}, {"targets": ["a"], "window": 3, "horizon": 1, "time": "t"}),
        (
            {"t": "hours", "a": "season", "b": "floats"},
            {"targets": ["a"], "window": 3, "horizon": 1, "time": "t", "known": ["b"], "calendar": ["hour"]},
        ),
    ],
    "panel": [
        ({"id": "few series", "date": "days", "value": "walk"}, {"window": 4, "horizon": 2, "series": "id"}),
        ({"who": "sequences", "value": "season"}, {"window": 1, "horizon": 1, "series": "who"}),
        ({"a": "walk", "b": "season", "c": "floats"}, {"window": 6, "horizon": 2, "season": 2}),
        ({"x": "long lists"}, {"window": 2, "horizon": 1}),
        ({"who": "identifiers", "x": "long lists"}, {"window": 2, "horizon": 1, "series": "who"}),
    ],
    "text_classification": [
        ({"text": "texts", "label": "classes"}, {}),
        ({"id": "numbers of rows", "label": "classes", "tweet": "texts"}, {}),
        ({"dna": "letters", "label": "few integers"}, {"level": "character"}),
    ],
    "tagging": [
        ({"tokens": "tokens", "tags": "tags"}, {}),
        ({"text": "token texts", "labels": "tag texts"}, {}),
        ({"word": "many words", "tag": "classes"}, {}),
    ],
    "language_model": [({"text": "texts"}, {"steps": 4}), ({"text": "long texts"}, {"level": "word"})],
    "multi_label": [({"train": "frames"}, {}), ({"train": "frames", "test": "frames"}, {"test": "test"})],
}
"""For each kind of task, columns with their kinds and options that fit them."""
READING = tuple(kind for kind in TEMPLATES if kind in TASKS)
ODD_NAMES = (
    "",
    " ",
    "label",
    "y",
    "id",
    "text",
    "date",
    "x",
    "[/b]",
    ":cat:",
    "a,b",
    "ä\u0308 क्षि",
    "0",
    "1e5",
    "Unnamed: 0",
    "__index_level_0__",
    "two\nlines",
    '"',
    "a.b",
    "#",
    "@x",
)
HOLES = ("", "NA", "?", "nan", "null", "-", " ", None)


@dataclass
class Drawn:
    """Files and the options of a task that reads them.

    Attributes:
        files: Content by name.
        options: The section ``task``, without its kind.
        kinds: Kinds of the columns of the main file by name.
        rows: Rows of that file.
        is_touched: Whether holes were cut into it, or its bytes were changed.
    """

    files: dict[str, bytes] = field(repr=False)
    options: dict[str, Any]
    kinds: dict[str, str]
    rows: int
    is_touched: bool


@dataclass(frozen=True)
class _Recipe:
    """How a file is made from the kinds of its columns."""

    kind: str
    rows: int
    seed: int
    holes: float
    hole: object
    form: str
    touches: frozenset[str]


def _csv(columns: Columns, delimiter: str = ",") -> bytes:
    text = io.StringIO(newline="")
    rows = csv.writer(text, delimiter=delimiter)
    rows.writerow(columns)
    rows.writerows(zip(*map(_as_texts, columns.values()), strict=True))
    return text.getvalue().encode("utf-8", "surrogatepass")


def _as_texts(cells: Cells) -> list[str]:
    return [
        "" if cell is None else json.dumps(cell) if isinstance(cell, list | dict) else str(cell)
        for cell in cells
    ]


def _records(columns: Columns) -> list[dict[str, Any]]:
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _table(columns: Columns) -> pa.Table:
    arrays = []
    for cells in columns.values():
        try:
            arrays.append(pa.array(cells))
        except (pa.ArrowInvalid, pa.ArrowTypeError):  # several types in one column, which Arrow does not have
            arrays.append(pa.array(_as_texts(cells)))
    return pa.Table.from_arrays(arrays, names=list(columns))


def _parquet(columns: Columns) -> bytes:
    sink = io.BytesIO()
    parquet.write_table(_table(columns), sink)
    return sink.getvalue()


def _feather(columns: Columns) -> bytes:
    sink = io.BytesIO()
    feather.write_feather(_table(columns), sink, compression="uncompressed")
    return sink.getvalue()


def _arff(columns: Columns) -> bytes:
    texts = {name: _as_texts(cells) for name, cells in columns.items()}
    heads = [
        f"@attribute '{name}' {'numeric' if all(map(_is_float, cells)) else 'string'}"
        for name, cells in texts.items()
    ]
    rows = [",".join(cell or "?" for cell in row) for row in zip(*texts.values(), strict=True)]
    return "\n".join(["@relation drawn", *heads, "@data", *rows]).encode("utf-8", "surrogatepass")


def _is_float(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return not text
    return True


def _ts(columns: Columns) -> bytes:
    *values, labels = map(_as_texts, columns.values()) if columns else ([],)
    lines = [
        ":".join([*(cell.strip("[]") for cell in row), label])
        for *row, label in zip(*values, labels, strict=True)
    ]
    return "\n".join(["@problemName drawn", "@classLabel true a b", "@data", *lines]).encode(
        "utf-8", "surrogatepass"
    )


def _npz(columns: Columns) -> bytes:
    sink = io.BytesIO()
    arrays = {name or "x": _array(cells) for name, cells in columns.items()}
    np.savez(sink, **{name.replace("/", "_"): array for name, array in arrays.items() if name != "file"})
    return sink.getvalue()


def _npy(columns: Columns) -> bytes:
    sink = io.BytesIO()
    np.save(
        sink,
        _array(_records(columns) and [list(row.values()) for row in _records(columns)]),
        allow_pickle=False,
    )
    return sink.getvalue()


def _array(cells: Cells) -> Any:
    try:
        array = np.array(cells)
    except ValueError:
        array = np.array(_as_texts(cells))
    return array.astype(str) if array.dtype == object else array


def _lines(columns: Columns) -> bytes:
    rows = zip(*map(_as_texts, reversed(columns.values())), strict=True)
    return "\n".join(" ".join(row) for row in rows).encode("utf-8", "surrogatepass")


def _conll(columns: Columns) -> bytes:
    rows = zip(*map(_as_texts, columns.values()), strict=True)
    lines = [("\n" if number % STEPS == 0 else "") + "\t".join(row) for number, row in enumerate(rows)]
    return "\n".join(lines).encode("utf-8", "surrogatepass")


def _fasta(columns: Columns) -> bytes:
    return "".join(
        f">{row}\n{cell}\n" for row, cell in enumerate(_as_texts(next(iter(columns.values()), [])))
    ).encode("utf-8", "surrogatepass")


WRITERS: dict[str, Callable[[Columns], bytes]] = {
    "csv": _csv,
    "tsv": lambda columns: _csv(columns, "\t"),
    "jsonl": lambda columns: "\n".join(map(json.dumps, _records(columns))).encode(),
    "json": lambda columns: json.dumps(_records(columns)).encode(),
    "parquet": _parquet,
    "feather": _feather,
    "arff": _arff,
    "ts": _ts,
    "npz": _npz,
    "npy": _npy,
    "txt": _lines,
    "conll": _conll,
    "conllu": _conll,
    "fasta": _fasta,
    "xlsx": _parquet,
}
LISTS = frozenset(
    {"lists", "equal lists", "pairs", "lists with holes", "empty lists", "tokens", "tags", "token texts"}
)


def _usual(kind: str, columns: Mapping[str, str]) -> tuple[str, ...]:
    """Returns the formats that such columns come in most often."""
    if kind in {"multi_label", "language_model"}:
        return ("npz",) if kind == "multi_label" else ("txt",)
    if LISTS & set(columns.values()):
        return ("jsonl", "parquet")
    return ("conll",) if kind == "tagging" else ("csv", "csv", "tsv", "jsonl", "parquet", "arff")


COMPRESSIONS: dict[str, Callable[[bytes], bytes]] = {
    "gz": lambda content: gzip.compress(content, 1),
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": lambda content: pa.compress(content, "zstd", asbytes=True),
}


EXTRA = "zusatz"
"""Name of a column that no template has, which holds no numbers."""
NOT_NUMBERS = (
    "classes",
    "many words",
    "texts",
    "identifiers",
    "days",
    "hours",
    "day first",
    "half numeric",
    "nothing",
)
NAMED_FORMATS = ("csv", "tsv", "jsonl", "json", "parquet", "feather", "arff")
TOUCHES = (
    "columns",
    "extra",
    "rows",
    "holes",
    "format",
    "bytes",
    "compression",
    "test file",
    "options",
    "options",
)


@st.composite
def drawn(draw: st.DrawFn, kind: str) -> Drawn:
    """Returns files and options for a task of ``kind``: as the task wants them, but for some touches."""
    columns, options = draw(st.sampled_from(TEMPLATES[kind]))
    touches = draw(st.lists(st.sampled_from(TOUCHES), max_size=3))
    kinds = draw(_changed(columns)) if "columns" in touches else dict(columns)
    if "extra" in touches:
        kinds[EXTRA] = draw(st.sampled_from(NOT_NUMBERS))
    recipe = _Recipe(
        kind=kind,
        rows=draw(st.sampled_from(ROWS if "rows" in touches else (60, 40, 90))),
        seed=draw(st.integers(0, 2**32 - 1)),
        holes=draw(st.sampled_from((0.02, 0.5, 1.0))) if "holes" in touches else 0.0,
        hole=draw(st.sampled_from(HOLES)) if "holes" in touches else None,
        form=draw(st.sampled_from(sorted(WRITERS) if "format" in touches else _usual(kind, columns))),
        touches=frozenset(touches),
    )
    name, content = draw(_file(recipe, kinds))
    files, options = {name: content}, {**options, "path": name}
    if "test file" in touches and "test_path" in _schema(kind)["properties"]:
        # With the same columns in another order, perhaps without one of them, and of another size.
        others = dict(draw(st.permutations(sorted(kinds.items()))))
        if others and draw(st.sampled_from((True, False, False))):
            others.popitem()
        other, content = draw(_file(replace(recipe, rows=recipe.rows // 2, seed=recipe.seed + 1), others))
        files[f"test-{other}"] = content
        options["test_path"] = f"test-{other}"
    if "options" in touches:
        options |= draw(_options(kind, tuple(kinds)))
    return Drawn(files, options, kinds, recipe.rows, is_touched=bool({"holes", "bytes"} & set(touches)))


@st.composite
def _changed(draw: st.DrawFn, columns: Mapping[str, str]) -> dict[str, str]:
    """Returns ``columns`` with other kinds, other names, or some more or fewer of them."""
    changed = dict(columns)
    for name in columns:
        match draw(st.sampled_from((0, 1, 2, 3, 3, 3))):
            case 0:
                changed[name] = draw(st.sampled_from(sorted(KINDS)))
            case 1:
                changed[draw(_names)] = changed.pop(name)
            case 2:
                del changed[name]
    for _ in range(draw(st.integers(0, 2))):
        changed[draw(_names)] = draw(st.sampled_from(sorted(KINDS)))
    return changed


_names = st.sampled_from(ODD_NAMES) | st.text(max_size=6)


@st.composite
def _file(draw: st.DrawFn, recipe: _Recipe, kinds: Mapping[str, str]) -> tuple[str, bytes]:
    """Returns name and content of a file."""
    rng = np.random.default_rng(recipe.seed)
    columns = {name: KINDS[of](rng, recipe.rows) for name, of in kinds.items()}
    if recipe.holes:
        cuts = {name: rng.random(recipe.rows) < recipe.holes for name in columns}
        columns = {
            name: [recipe.hole if cut else cell for cut, cell in zip(cuts[name], cells, strict=True)]
            for name, cells in columns.items()
        }
    content, name = WRITERS[recipe.form](columns), f"data.{recipe.form}"
    if "bytes" in recipe.touches:
        content = draw(_touched(content))
    if "compression" in recipe.touches:
        compression = draw(st.sampled_from(sorted(COMPRESSIONS)))
        name, content = f"{name}.{compression}", COMPRESSIONS[compression](content)
    return name, content


@st.composite
def _touched(draw: st.DrawFn, content: bytes) -> bytes:
    """Returns ``content`` in another encoding, with other ends of lines, or damaged."""
    match draw(st.sampled_from(("mark", "ends", "blank", "encoding", "cut", "changed"))):
        case "mark":
            return b"\xef\xbb\xbf" + content
        case "ends":
            return content.replace(b"\n", draw(st.sampled_from((b"\r\n", b"\r", b"\n\n", b"\n \n"))))
        case "blank":
            return content + draw(st.sampled_from((b"\n", b"\n\n", b"\x00", b"\x1a", b" ")))
        case "encoding":
            text = content.decode("utf-8", "replace")
            encoding = draw(st.sampled_from(("utf-16", "latin-1", "utf-16-le", "cp1252", "utf-32")))
            return text.encode(encoding, "replace")
        case "cut":
            return content[: draw(st.integers(0, len(content)))]
        case _:
            where = draw(st.integers(0, len(content)))
            return content[:where] + draw(st.binary(max_size=9)) + content[where + 1 :]


@st.composite
def _options(draw: st.DrawFn, kind: str, names: tuple[str, ...]) -> dict[str, Any]:
    """Returns one or two further options of any value that the schema of the task permits."""
    schema = _schema(kind)
    keys = sorted(key for key, value in schema["properties"].items() if not _names_files(value))
    chosen = draw(st.lists(st.sampled_from(keys), min_size=1, max_size=2, unique=True))
    return {key: draw(_value(schema["properties"][key], schema.get("$defs", {}), names)) for key in chosen}


@cache
def _schema(kind: str) -> dict[str, Any]:
    return TASKS[kind].Options.model_json_schema()


def _names_files(value: object) -> bool:
    text = json.dumps(value)
    return '"path"' in text or "a path" in text


def _value(
    schema: dict[str, Any], definitions: dict[str, Any], names: tuple[str, ...]
) -> st.SearchStrategy[Any]:
    """Returns the values that a JSON schema permits; a text is mostly the name of a column."""
    if "$ref" in schema:
        schema = definitions[schema["$ref"].rpartition("/")[2]]
    if "anyOf" in schema:
        return st.one_of([_value(each, definitions, names) for each in schema["anyOf"]])
    if "prefixItems" in schema:
        return st.sampled_from(([0.6, 0.2, 0.2], [30, 10, 20], [0.8, 0.1, 0.1], [0.0, 0.5, 0.5]))
    if "properties" in schema:
        return _section(schema["properties"], definitions, names)
    if "items" in schema:
        return st.lists(_value(schema["items"], definitions, names), max_size=3)
    values = {
        "boolean": (True, False),
        "null": (None,),
        "integer": (0, 1, 2, 3, 7, 12, 1000, 2**40),
        "number": (0.0, 0.1, 0.25, 0.5, 0.9, 1, 2, 5, 1e9),
    }
    text = (*names, "\t", ";", "nowhere", "utf-16", "all")
    return st.sampled_from(schema.get("enum") or values.get(schema.get("type", ""), text))


def _section(
    keys: Mapping[str, dict[str, Any]], definitions: dict[str, Any], names: tuple[str, ...]
) -> st.SearchStrategy[Any]:
    chosen = st.lists(st.sampled_from(sorted(keys)), max_size=2, unique=True)
    return chosen.flatmap(
        lambda some: st.fixed_dictionaries({key: _value(keys[key], definitions, names) for key in some})
    )
