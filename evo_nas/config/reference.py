"""The reference of all keys of a configuration, read from the options models that declare them.

The meaning of a key is written only once, under ``Attributes:`` in the docstring of its model; type, bounds and default
come from the field. This module knows no task and no strategy; the caller passes their sections.
"""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from evo_nas.config.permitted import permitted_words
from evo_nas.config.validation_errors import nearest
from evo_nas.config.yaml_text import inline_yaml, to_yaml
from evo_nas.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic.fields import FieldInfo

    from evo_nas.config.permitted import Schema

    Kinds = Mapping[str, tuple[str, type[BaseModel]]]


@dataclass(frozen=True, slots=True)
class Key:
    """One key of a section.

    Attributes:
        name: Name of the key in its section.
        meaning: One sentence or more, with names of keys and values in double backticks.
        permitted: Description of the values that it accepts.
        is_required: Whether it must be given.
        default: Its default as YAML; None if there is no single value.
        example: An example value as YAML; None if the default shows the form.
        keys: Its own keys, if it is a section.
    """

    name: str
    meaning: str
    permitted: str
    is_required: bool
    default: str | None
    example: str | None
    keys: tuple[Key, ...] = ()


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a configuration.

    Attributes:
        name: Its dotted path, such as ``task.forecast``; empty for the whole configuration.
        about: Its purpose.
        model: The options model that declares its keys; None if each of its kinds has its own keys.
        kinds: The sections that its ``kind`` chooses from.
    """

    name: str
    about: str
    model: type[BaseModel] | None
    kinds: tuple[Section, ...] = ()

    def own_keys(self) -> tuple[Key, ...]:
        """Returns the keys that its model declares, in that order."""
        keys = keys_of(self.model) if self.model else ()
        # The sections of the whole configuration have explanations of their own.
        return keys if self.name else tuple(replace(key, keys=()) for key in keys)

    def remarks(self) -> list[str]:
        """Returns the paragraphs of its model's docstrings between the first one and the keys."""
        return remarks_of(self.model) if self.model else []

    def example(self) -> str:
        """Returns the section as YAML, with all keys that have an example or a default."""
        values = example_of(self.model) if self.model else {}
        if not self.name:
            return to_yaml(values)
        key, _, kind = self.name.partition(".")
        return to_yaml({key: ({"kind": kind} if kind else {}) | values})


def sections_of(
    config: type[BaseModel], *, models: Mapping[str, type[BaseModel]], kinds: Mapping[str, Kinds]
) -> dict[str, Section]:
    """Returns all sections by name in the order of a configuration; the whole configuration comes first.

    Args:
        config: Model of the whole configuration.
        models: Options models of the sections that ``config`` itself does not check.
        kinds: For each section with a ``kind``, the docstring and the options model of every kind.
    """
    sections = [Section("", first_paragraph(config.__doc__), config)]
    meanings = meanings_of(config)
    for key, field in config.model_fields.items():
        of_key = tuple(
            Section(f"{key}.{kind}", first_paragraph(docstring), model)
            for kind, (docstring, model) in kinds.get(key, {}).items()
        )
        model = models.get(key) or _section_in(field)
        if of_key or model:
            sections += [Section(key, meanings.get(key, ""), model, of_key), *of_key]
    return {section.name: section for section in sections}


def find(name: str, sections: Mapping[str, Section]) -> tuple[Section, Key | None]:
    """Returns the section called ``name``, or the key called ``name`` and its section.

    Raises:
        ConfigError: There is no such section or key.
    """
    if name in sections:
        return sections[name], None
    # A key may be inside several sections: the longest name that fits is the innermost one.
    start = max((each for each in sections if each == "" or name.startswith(f"{each}.")), key=len)
    section, key = sections[start], None
    keys = section.own_keys()
    for part in name.removeprefix(f"{start}.").split("."):
        key = next((each for each in keys if each.name == part), None)
        if key is None:
            known = [each.name for each in keys] if start else [each for each in sections if each]
            known += [kind.name.rpartition(".")[2] for kind in section.kinds]
            raise ConfigError(f"{name} is no section or key of a configuration; {nearest(part, known)}")
        keys = key.keys
    return section, key


def keys_of(model: type[BaseModel]) -> tuple[Key, ...]:
    """Returns the keys of ``model``, including the keys of the sections inside it."""
    schema = model.model_json_schema()
    meanings = meanings_of(model)
    return tuple(
        _key(name, field, schema=schema, meaning=meanings.get(name, ""))
        for name, field in model.model_fields.items()
    )


def _key(name: str, field: FieldInfo, *, schema: Schema, meaning: str) -> Key:
    own: Schema = schema["properties"][name]
    inside = _section_in(field)
    default = None if inside else own.get("default")
    return Key(
        name=name,
        meaning=meaning,
        permitted=permitted_words(own, schema.get("$defs", {})),
        is_required=field.is_required(),
        default=None if default is None else inline_yaml(default),
        example=inline_yaml(field.examples[0]) if field.examples else None,
        keys=keys_of(inside) if inside else (),
    )


def _section_in(field: FieldInfo) -> type[BaseModel] | None:
    """Returns the options model of a key that is a section itself; None for any other key."""
    kind = field.annotation
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def meanings_of(model: type[BaseModel]) -> dict[str, str]:
    """Returns the meaning of each attribute from the docstrings of ``model`` and its bases."""
    meanings: dict[str, str] = {}
    # From base to subclass, so that a subclass may say it more exactly.
    for each in reversed(model.__mro__):
        _, _, attributes = _own_docstring(each).partition("Attributes:\n")
        for entry in re.split(r"\n(?=    \w)", attributes.partition("\n\n")[0]):
            name, colon, meaning = entry.strip().partition(":")
            if colon:
                meanings[name] = " ".join(meaning.split())
    return meanings


def first_paragraph(docstring: str | None) -> str:
    """Returns the first paragraph of a docstring on one line."""
    return " ".join(inspect.cleandoc(docstring or "").partition("\n\n")[0].split())


def remarks_of(model: type[BaseModel]) -> list[str]:
    """Returns the paragraphs between the first one and the attributes in the docstrings of ``model`` and its bases."""
    described = (_own_docstring(each).partition("Attributes:\n")[0] for each in model.__mro__)
    paragraphs = [paragraph for text in described for paragraph in text.split("\n\n")[1:]]
    return [" ".join(paragraph.split()) for paragraph in paragraphs if paragraph.strip()]


def _own_docstring(owner: type) -> str:
    # The docstrings of pydantic's own classes do not describe a configuration.
    is_ours = issubclass(owner, BaseModel) and owner is not BaseModel
    return inspect.cleandoc(owner.__doc__ or "") if is_ours else ""


def example_of(model: type[BaseModel]) -> dict[str, Any]:
    """Returns values that ``model`` accepts: the example of each key, or its default if there is no example.

    A key is left out if it has neither, or if the keys before it exclude it.
    """
    properties: dict[str, Schema] = model.model_json_schema().get("properties", {})
    found = ((name, _example_at(field, properties[name])) for name, field in model.model_fields.items())
    values = {name: value for name, value in found if value is not None}
    given = {name: value for name, value in values.items() if model.model_fields[name].is_required()}
    for name, value in values.items():
        # If one of several keys must be given, the values are valid only from the first of them on.
        if _accepts(model, given | {name: value}) or not _accepts(model, given):
            given |= {name: value}
    return {name: given[name] for name in values if name in given}


def _example_at(field: FieldInfo, schema: Schema) -> Any:
    if field.examples:
        return field.examples[0]
    inside = _section_in(field)
    return example_of(inside) if inside else schema.get("default")


def _accepts(model: type[BaseModel], values: dict[str, Any]) -> bool:
    try:
        model.model_validate(values)
    except ValidationError:
        return False
    return True
