"""The options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable

as_json = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object per line, for machines."
)
as_one_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON object, for machines.")
inline = click.option("--inline", is_flag=True, help="Train in this process, without Ray; for debugging.")
accept_data_loss = click.option(
    "--accept-data-loss",
    is_flag=True,
    help="Resume although committed evaluations are damaged or missing.",
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
workers = click.option("--workers", metavar="N", help="Exact number of worker processes.")

trainings_at_once = click.option(
    "--workers",
    type=click.IntRange(1, 10_000),
    metavar="N",
    help="Trainings at the same time; as many as the run has workers by default.",
)


def picture_option(what: str) -> Callable[[Any], Any]:
    """Returns the option that names the file for a drawing of ``what``; see `svg.write_drawing`."""
    return click.option(
        "--picture",
        type=click.Path(path_type=Path, dir_okay=False),
        metavar="FILE",
        help=f"Also draw {what}, as .svg or .png (which needs the extra pictures).",
    )


def workers_override(count: str | None) -> tuple[str, ...]:
    """Returns the overrides that ``--workers`` stands for."""
    # min and max may be set in the file or the record, and would contradict an exact number.
    return () if count is None else (f"workers.count={count}", "workers.min=null", "workers.max=null")


def address(*, required: bool) -> Callable[[Any], Any]:
    """Returns the option that names a cluster."""
    return click.option(
        "--address",
        required=required,
        envvar="EVO_NAS_ADDRESS",
        metavar="URL",
        help="Cluster: http://host:8265 of its dashboard; on one of its machines also auto or host:port.",
    )
