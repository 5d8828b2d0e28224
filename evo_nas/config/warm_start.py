"""The section ``warm_start``: networks of earlier runs with which a search begins."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator

# Not strict, since YAML and recorded JSON have lists where a tuple is meant.
Places = Annotated[tuple[str, ...], Field(strict=False)]


class WarmStartOptions(BaseModel):
    """With which networks of earlier runs a search begins.

    Attributes:
        runs: Directories or URIs of finished runs, directories of exported networks, or files that `evo-nas portfolio`
            wrote. Their best networks are the first candidates; what this space does not permit is changed. A list
            alone is short for this key.
        count: Most networks of one run: its champion, then the best others.
        weights: Whether these networks also begin with the weights that were kept of them; needs
            ``fitness.inheritance: parent``.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    runs: Places = Field(default=(), examples=[["runs/digits"]])
    count: int = Field(default=5, ge=1, le=100)
    weights: bool = False

    @field_validator("runs", mode="before", json_schema_input_type=list[str] | str)
    @classmethod
    def _one_alone(cls, runs: object) -> object:
        return [runs] if isinstance(runs, str) else runs

    @field_validator("runs")
    @classmethod
    def _each_once(cls, runs: tuple[str, ...]) -> tuple[str, ...]:
        twice = sorted({run for run in runs if runs.count(run) > 1})
        if twice:
            raise ValueError(f"has {twice[0]} twice; name each run once")
        return runs
