"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable

as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line, for machines.")
inline = click.option("--inline", is_flag=True, help="Train in this process, without Ray; for debugging.")
accept_data_loss = click.option(
    "--accept-data-loss",
    is_flag=True,
    help="Go on without committed evaluations that are damaged or missing.",
)
tensorboard = click.option(
    "--tensorboard",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Also write scalars for TensorBoard.",
)
overrides = click.option(
    "--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override a key of the config."
)
workers = click.option("--workers", metavar="N", help="Worker processes, no more and no fewer.")


def workers_override(count: str | None) -> tuple[str, ...]:
    """Returns the override that ``--workers`` is short for."""
    return () if count is None else (f"workers.count={count}", "workers.min=null", "workers.max=null")


def address(*, required: bool) -> Callable[[Any], Any]:
    """Returns the option that names a cluster."""
    return click.option(
        "--address",
        required=required,
        envvar="EVO_NAS_ADDRESS",
        metavar="URL",
        help="Of the cluster: http://host:8265 of its dashboard, or on one of its machines auto or host:port.",
    )
