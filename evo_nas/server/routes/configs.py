"""Configurations: what may be in one, what is wrong with one, and examples."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from evo_nas.config.load import MAX_BYTES
from evo_nas.server.configurations import GivenConfig, as_yaml, read_config
from evo_nas.server.context import Shared
from evo_nas.server.problems import ProblemPart, parts_of
from evo_nas.views.configuration import configuration_schema, examples

router = APIRouter(prefix="/configs", tags=["configs"])


@router.get("/schema")
def schema() -> dict[str, Any]:
    """The JSON schema of a configuration, with the options of every kind of task and strategy as alternatives."""
    return configuration_schema()


class DraftConfig(GivenConfig):
    """A configuration that is being written."""

    text: str = Field(
        default="",
        max_length=MAX_BYTES,
        description="The text that `config` was read from before it was changed: `yaml` is this text with what is "
        "different, so that its comments stay.",
    )


class CheckedConfig(BaseModel):
    """A configuration, and what is wrong with it."""

    given: dict[str, Any] = Field(description="What was given, as values.")
    config: dict[str, Any] | None = Field(
        description="The same with every default filled in; null if something is wrong."
    )
    yaml: str = Field(description="What was given, as YAML.")
    problems: list[ProblemPart] = Field(description="Everything that is wrong.")


@router.post("/check")
def check(given: DraftConfig, context: Shared) -> CheckedConfig:
    """Says everything that is wrong with a configuration, as far as that can be known without reading data."""
    read = read_config(given, context.data)
    filled = None if read.experiment is None else read.experiment.config.model_dump(mode="json")
    return CheckedConfig(
        given=read.values,
        config=filled,
        yaml=as_yaml(given, read.values, text=given.text),
        problems=[part for line in read.problems for part in parts_of(line)],
    )


class ExampleConfig(BaseModel):
    """A configuration that is shipped."""

    name: str = Field(description="Its name.")
    title: str = Field(description="What it is about.")
    yaml: str = Field(description="Its file.")


@router.get("/examples")
def list_examples() -> list[ExampleConfig]:
    """The configurations that are shipped, the quickstart first."""
    return [ExampleConfig(name=each.name, title=each.title, yaml=each.yaml) for each in examples()]
