"""``/runs/{run}/exchange``: another program takes part in a search, as by `evo-nas ask` and `evo-nas tell`."""

from __future__ import annotations

import json
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from evo_nas.runs.exchange import asked, handed_in
from evo_nas.server.context import Shared

router = APIRouter(tags=["exchange"])

MOST_PROPOSALS = 1000
MOST_RESULTS = 1000


class Question(BaseModel):
    """What a program wants to know before it proposes something."""

    proposals: int = Field(default=1, ge=1, le=MOST_PROPOSALS, description="How many proposals will follow.")
    since: int | None = Field(
        default=None,
        ge=0,
        le=2**53,
        description="Position of the first result; by default all come, and the space before them.",
    )
    limit: int = Field(default=MOST_RESULTS, ge=1, le=MOST_RESULTS, description="Most results of one answer.")
    top: int = Field(default=5, ge=0, le=1000, description="Number of best candidates.")


class Proposals(BaseModel):
    """What a program proposes."""

    model_config = ConfigDict(extra="forbid")

    proposals: list[str | dict[str, Any]] = Field(
        max_length=MOST_PROPOSALS, description="Each an object, or the same as a text in JSON."
    )
    name: str = Field(default="script", max_length=255, description="What the program calls itself.")


class Lines(BaseModel):
    """What the command prints, an object for each line."""

    lines: list[dict[str, Any]]


class ToldLines(Lines):
    """What `evo-nas ask` prints."""

    next: int | None = Field(description="`since` of the following results; null if these are the last.")


@router.get("/runs/{run}/exchange")
def ask(run: str, context: Shared, question: Annotated[Question, Query()]) -> ToldLines:
    """Tells what a program needs to propose networks to a run whose strategy is `external`.

    The last object says how many proposals can be used, and from which position to ask on.
    """
    place = context.run(run)
    found = list(
        asked(
            place,
            proposals=question.proposals,
            since=question.since,
            top=question.top,
            limit=question.limit,
        )
    )
    since, told = found[-1]["since"], found[-1]["told"]
    return ToldLines(lines=found, next=since if since < told else None)


@router.post("/runs/{run}/exchange")
def tell(run: str, context: Shared, body: Proposals) -> Lines:
    """Hands proposals to the search; says of each its number, or why it was refused. What was accepted is durable."""
    texts = (each if isinstance(each, str) else json.dumps(each) for each in body.proposals)
    return Lines(lines=list(handed_in(context.run(run), texts, name=body.name)))
