"""The JSON schema of a whole configuration, for forms and editors.

Types, bounds and defaults come from the options models, and the meaning of a key from their docstrings, as in
`config.reference`. What only a validator checks, such as that ``min`` is at most ``max``, no schema can say: a
configuration that fits the schema may still be refused, and one that does not fit it always is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic.json_schema import GenerateJsonSchema, models_json_schema

from evo_nas.config.reference import first_paragraph, meanings_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import BaseModel
    from pydantic_core.core_schema import ModelSchema

    from evo_nas.config.permitted import Schema
    from evo_nas.config.reference import Kinds

DIALECT = "https://json-schema.org/draft/2020-12/schema"


class _Explained(GenerateJsonSchema):
    """Describes each key by its meaning, and each section by the first paragraph of its docstring."""

    def model_schema(self, schema: ModelSchema) -> Schema:
        described = super().model_schema(schema)
        owner = schema["cls"]
        meanings = meanings_of(owner)
        for name, of_key in described.get("properties", {}).items():
            if name in meanings:
                of_key["description"] = meanings[name]
        described["description"] = first_paragraph(owner.__doc__)
        return described


def configuration_schema(
    config: type[BaseModel], *, models: Mapping[str, type[BaseModel]], kinds: Mapping[str, Kinds]
) -> Schema:
    """Returns the JSON schema of a configuration, in which a section with a ``kind`` is one of its alternatives.

    Args:
        config: Model of the whole configuration.
        models: Options models of the sections that ``config`` itself does not check.
        kinds: For each section with a ``kind``, the docstring and the options model of every kind.
    """
    owners = {config, *models.values(), *(model for each in kinds.values() for _, model in each.values())}
    # Sorted, so that models of one name are told apart in the same way every time.
    ordered = sorted(owners, key=lambda owner: (owner.__module__, owner.__qualname__))
    by_owner, definitions = models_json_schema(
        [(owner, "validation") for owner in ordered], schema_generator=_Explained
    )
    named: dict[str, Schema] = definitions["$defs"]
    found = {owner: named[by_owner[owner, "validation"]["$ref"].rpartition("/")[2]] for owner in owners}
    whole = dict(found[config])
    properties = dict(whole["properties"])
    for section, model in models.items():
        properties[section] = _kept(properties[section]) | {"$ref": by_owner[model, "validation"]["$ref"]}
    for section, of_section in kinds.items():
        properties[section] = _kept(properties[section]) | _alternatives(
            {kind: (docstring, found[model]) for kind, (docstring, model) in of_section.items()}
        )
        default = config.model_fields[section].get_default(call_default_factory=True, validated_data={})
        if isinstance(default, dict):
            properties[section]["default"] = default
    top = {
        by_owner[owner, "validation"]["$ref"].rpartition("/")[2] for owner in owners - set(models.values())
    }
    inner = {name: schema for name, schema in named.items() if name not in top}
    return {"$schema": DIALECT, **whole, "properties": properties, "$defs": inner}


def _alternatives(kinds: Mapping[str, tuple[str, Schema]]) -> Schema:
    return {
        "type": "object",
        "required": ["kind"],
        "discriminator": {"propertyName": "kind"},
        "oneOf": [
            {
                **schema,
                "title": kind,
                "description": first_paragraph(docstring),
                "properties": {"kind": {"const": kind, "type": "string"}, **schema.get("properties", {})},
                "required": ["kind", *schema.get("required", [])],
            }
            for kind, (docstring, schema) in kinds.items()
        ],
    }


def _kept(schema: Schema) -> Schema:
    """Returns what is said of a section, without what its keys are."""
    return {key: schema[key] for key in ("title", "description", "default") if key in schema}
