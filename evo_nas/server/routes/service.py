"""``/health`` and ``/ready``: whether the service lives, and whether it can work."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, Field

router = APIRouter(tags=["service"])


class Health(BaseModel):
    """That the service answers."""

    status: str = Field(description="Always `ok`.")


@router.get("/health")
async def health() -> Health:
    """Says that the process answers; it looks at nothing else."""
    return Health(status="ok")
