"""Data sets of Hugging Face, by name or as a local folder; needs the extra ``huggingface``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from evo_nas.data.csv_files import unnamed
from evo_nas.data.table import Table, trimmed
from evo_nas.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SPLIT_NAMES = {"train": ("train",), "validation": ("validation", "valid", "dev"), "test": ("test",)}
"""The names that splits of data sets have, by the part that they become."""
_HUB = "hf://datasets/"
_PACKED = ("zip://", "tar://", "gzip://", "bz2://", "xz://", "lz4://", "zstd://")
"""How the library writes a file within another one, as in ``zip://train.csv::hf://datasets/...``."""


def read_dataset(name: str, *, subset: str | None) -> dict[str, Table]:
    """Reads a data set; numbers of classes are replaced by their names.

    Args:
        name: Name on the hub, or path of a local folder.
        subset: Configuration of the data set, where it has several.

    Returns:
        A table for ``train`` and for those of ``validation`` and ``test`` that exist.

    Raises:
        DataError: The extra is not installed, the data set cannot be loaded, names files elsewhere, or has no training
            split.
    """
    try:
        import datasets  # noqa: PLC0415 - an extra
    except ImportError:
        raise DataError(
            f"huggingface is {name}, but the library datasets is not installed; run `pip install evo-nas[huggingface]`"
        ) from None
    try:
        builder = datasets.load_dataset_builder(name, subset)
        _check_files(name, builder.config.data_files or {})
        builder.download_and_prepare()
        splits = builder.as_dataset()
    except DataError:
        raise
    except Exception as error:  # the library documents no set of errors, and loading may run into any
        raise DataError(f"the data set {name} cannot be loaded: {error}") from error
    found = {
        part: _table(f"{name}, split {split}", splits[split])
        for part, names in SPLIT_NAMES.items()
        for split in names
        if split in splits
    }
    if "train" not in found:
        raise DataError(f"the data set {name} has the splits {', '.join(splits)}; one must be called train")
    return found


def _check_files(name: str, files: Mapping[str, Sequence[str]]) -> None:
    """Refuses a data set whose card names files beyond the hub, or beyond its folder: they may be private ones of here.

    Raises:
        DataError: There is such a file.
    """
    folder = Path(name)
    for file in (each for part in files.values() for each in part):
        *within, place = str(file).split("::")
        is_own = (
            Path(place).resolve().is_relative_to(folder.resolve())
            if folder.is_dir()
            else place.startswith(_HUB)
        )
        if not (is_own and all(each.startswith(_PACKED) for each in within)):
            raise DataError(
                f"the data set {name} names {file}, which is none of its own files; get the files themselves, and give "
                "their `path`"
            )


def _table(source: str, split: object) -> Table:
    # Taken as Arrow columns: rows would make a Python object of every value.
    columns: pa.Table = split.with_format("arrow")[:]  # type: ignore[attr-defined]
    features = split.features  # type: ignore[attr-defined]
    named = {name: columns.column(name) for name in columns.column_names}
    for name, feature in features.items():
        if hasattr(feature, "int2str"):
            named[name] = _named(named[name], feature.names)
        elif hasattr(getattr(feature, "feature", None), "int2str"):  # a list of classes
            named[name] = _named_lists(named[name], feature.feature.names)
    values_of = {name: trimmed(values) for name, values in named.items()}
    return Table(source, values_of, index_columns=unnamed(tuple(named)))


def _named_lists(values: pa.ChunkedArray, names: list[str]) -> pa.ChunkedArray:
    texts = [None if each is None else [names[number] for number in each] for each in values.to_pylist()]
    return pa.chunked_array([pa.array(texts, pa.list_(pa.string()))])


def _named(values: pa.ChunkedArray, names: list[str]) -> pa.ChunkedArray:
    texts = [None if number is None else names[number] for number in values.to_pylist()]
    return pa.chunked_array([pa.array(texts, pa.string())])
