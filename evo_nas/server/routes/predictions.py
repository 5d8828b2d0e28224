"""``/runs/{run}/predict``: what a champion says of posted data."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Query, Request

from evo_nas.server.context import Shared
from evo_nas.server.predicting import PostedFile, PredictAnswer, PredictRequest, answered, answered_file
from evo_nas.server.routes.champions import kept_champion_of, loaded

router = APIRouter(tags=["champions"])


@router.post("/runs/{run}/predict")
async def predict(run: str, posted: PredictRequest, context: Shared) -> PredictAnswer:
    """Answers with what `evo-nas predict` says of such data; GET champion has an example of them."""
    champion = await loaded(context, *await kept_champion_of(context, run))
    work = partial(answered, champion, posted)
    return await to_thread.run_sync(work, limiter=context.harvest.answering)


@router.post(
    "/runs/{run}/predict/file",
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
        }
    },
)
async def predict_file(
    run: str, request: Request, context: Shared, posted: Annotated[PostedFile, Query()]
) -> PredictAnswer:
    """Answers with what `evo-nas predict` says of the file that is the body of the request."""
    content = await request.body()
    champion = await loaded(context, *await kept_champion_of(context, run))
    work = partial(answered_file, champion, content, posted)
    return await to_thread.run_sync(work, limiter=context.harvest.answering)
