"""Finds the fields of options that name files, resolves relative paths, and lists the files behind a path.

A field is declared as a path by its type: `DataPath`, `DataPaths` or `HubName`, alone, optional, or as the values of
a mapping. Nothing else has to know the field's name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, get_args

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field

from evo_nas.data.files import in_one_line
from evo_nas.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pydantic.fields import FieldInfo

OptionsT = TypeVar("OptionsT", bound=BaseModel)
Named = str | Path | tuple[Path, ...]
"""What a declared field holds; a mapping holds one of them for each key."""


@dataclass(frozen=True, slots=True)
class _NamesFiles:
    """Marks a type as the name of files or folders on this machine."""


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str | Path) else value


def _not_empty(paths: tuple[Path, ...]) -> tuple[Path, ...]:
    if not paths:
        raise ValueError("must name at least one file, folder or pattern")
    return paths


# YAML has text and no paths, so a path is read leniently (`strict=False`).
DataPath = Annotated[Path, Field(strict=False), _NamesFiles()]
"""A file."""
DataPaths = Annotated[
    tuple[DataPath, ...],
    Field(strict=False, json_schema_extra={"permitted": "a path, or a list of paths"}),
    AfterValidator(_not_empty),
    BeforeValidator(_as_list, json_schema_input_type=DataPath | tuple[DataPath, ...]),
]
"""A path or a list of paths; ``*`` and ``?`` stand for any characters.

A folder stands for the files in it or, if it has only folders, for the files in these.
"""
HubName = Annotated[str, _NamesFiles()]
"""A data set of the Hugging Face hub, or a local folder of one."""


def data_paths(options: BaseModel) -> dict[str, tuple[Path, ...]]:
    """Returns the paths of each field that names some, by the field's dotted name, such as ``classes.up``.

    A `HubName` counts as a path if it is absolute or a folder that exists; otherwise it is a name on the hub.
    """
    named = {name: _paths_of(value) for name, value in _declared(options)}
    return {name: paths for name, paths in named.items() if paths}


def written_paths(model: type[BaseModel], values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yields dotted name and text of each path in ``values``, the options of ``model`` before they are checked.

    Names on the hub are among them.
    """
    for name, field in model.model_fields.items():
        value = values.get(name)
        inner = _model_in(field.annotation)
        if inner is not None and isinstance(value, Mapping):
            yield from ((f"{name}.{key}", text) for key, text in written_paths(inner, value))
        elif _declares_files(field):
            yield from _texts_in(name, value)


def _texts_in(name: str, value: object) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield name, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _texts_in(f"{name}.{key}", item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts_in(name, item)


def _model_in(annotation: object) -> type[BaseModel] | None:
    """Returns the options model that an annotation is, alone or optional."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(_model_in, get_args(annotation))), None)


def without_paths(options: BaseModel) -> dict[str, Any]:
    """Returns ``options`` as plain JSON values without all fields that name files, folders or names on the hub."""
    values: dict[str, Any] = {}
    for name, field in type(options).model_fields.items():
        value = getattr(options, name)
        if isinstance(value, BaseModel):
            values[name] = without_paths(value)
        elif not _declares_files(field):
            values[name] = options.model_dump(mode="json", include={name})[name]
    return values


def resolved(options: OptionsT, base: Path) -> OptionsT:
    """Returns ``options`` with ``~`` expanded in all their paths, and relative paths put under ``base``."""
    changed: dict[str, object] = {}
    for name, field in type(options).model_fields.items():
        value = getattr(options, name)
        if isinstance(value, BaseModel):
            changed[name] = resolved(value, base)
        elif isinstance(value, Mapping) and _declares_files(field):
            changed[name] = {key: _under(base, item) for key, item in value.items()}
        elif value is not None and _declares_files(field):
            changed[name] = _under(base, value)
    # Unchanged fields are left out, since a copy counts every updated field as given by the user.
    return options.model_copy(
        update={name: value for name, value in changed.items() if value != getattr(options, name)}
    )


def data_files(options: BaseModel) -> list[Path]:
    """Returns the files that all paths of ``options`` stand for; those of a folder of Hugging Face lie at any depth.

    Raises:
        DataError: A folder or pattern has no file.
    """
    return [file for _, value in _declared(options) for file in _files_of_value(value)]


def check_that_files_differ(options: BaseModel) -> None:
    """Refuses a file that is named twice: a pattern or a folder for one part may take in a file of another.

    Raises:
        DataError: A file is named twice, or a folder or pattern has no file.
    """
    taken: dict[Path, str] = {}
    for name, value in _declared(options):
        for file in _files_of_value(value):
            real = _real(file)
            other = taken.get(real)
            if other is not None:
                where = f"twice in {name}" if other == name else f"in {other} and in {name}"
                raise DataError(
                    f"{file} is {where}, but must be read once: narrow the pattern or folder, or list the files"
                )
            taken[real] = name


def _real(file: Path) -> Path:
    try:
        return file.resolve()
    except (
        OSError,
        RuntimeError,
        ValueError,
    ) as error:  # of links that lead to each other, or of a zero byte
        raise DataError(f"{str(file)!r} cannot be a file: {in_one_line(error)}; check the path") from error


def expanded(paths: Iterable[Path] | None) -> list[Path]:
    """Returns the files that ``paths`` stand for, those of a folder or pattern by name; none for None.

    Raises:
        DataError: A folder or pattern has no file.
    """
    return [file for path in paths or () for file in _files_of(path)]


def _declared(options: BaseModel) -> Iterator[tuple[str, Named]]:
    """Yields dotted name and value of each declared field that is given, entry by entry for a mapping."""
    for name, field in type(options).model_fields.items():
        value = getattr(options, name)
        if isinstance(value, BaseModel):
            yield from ((f"{name}.{inner}", item) for inner, item in _declared(value))
        elif isinstance(value, Mapping) and _declares_files(field):
            yield from ((f"{name}.{key}", item) for key, item in value.items())
        elif value is not None and _declares_files(field):
            yield name, value


def _declares_files(field: FieldInfo) -> bool:
    # Pydantic moves the outermost annotations of a field into its metadata; inner ones stay in the type.
    return any(isinstance(mark, _NamesFiles) for mark in field.metadata) or _mentions_files(field.annotation)


def _mentions_files(annotation: object) -> bool:
    marks = getattr(annotation, "__metadata__", ())
    return any(isinstance(mark, _NamesFiles) for mark in marks) or any(
        map(_mentions_files, get_args(annotation))
    )


def _paths_of(value: Named) -> tuple[Path, ...]:
    if isinstance(value, str):
        folder = Path(value).expanduser()
        # An absolute path is none of the hub's names, although it may lead to a folder of another machine.
        return (folder,) if folder.is_absolute() or folder.is_dir() else ()
    return (value,) if isinstance(value, Path) else value


def _under(base: Path, value: Named) -> Named:
    if isinstance(value, str):
        folder = base / Path(value).expanduser()
        # Only a folder that exists can be told from a name on the hub.
        return str(folder) if folder.is_dir() else value
    if isinstance(value, Path):
        return base / value.expanduser()
    return tuple(base / path.expanduser() for path in value)


def _files_of_value(value: Named) -> list[Path]:
    if isinstance(value, str):
        # A data set of Hugging Face may keep each split in a folder of its own.
        return [file for folder in _paths_of(value) for file in sorted(folder.rglob("*")) if file.is_file()]
    return expanded(_paths_of(value))


def _visible_files(paths: Iterable[Path]) -> list[Path]:
    return sorted(path for path in paths if path.is_file() and not path.name.startswith("."))


def _files_of(path: Path) -> list[Path]:
    if path.is_dir():
        # A folder of folders is how sounds come: the folders are classes.
        files = _visible_files(path.iterdir()) or _visible_files(path.glob("[!.]*/*"))
    elif set("*?") & set(path.name):
        files = sorted(file for file in path.parent.glob(path.name) if file.is_file())
    else:
        return [path]
    if not files:
        raise DataError(f"{path} has no file; give a file, a folder with files or a pattern that some match")
    return files
