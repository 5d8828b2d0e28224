"""``serve``: the service, for browsers and over HTTP."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.option("--root", default="runs", show_default=True, metavar="PLACE", help="Where the runs are kept.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at.")
@click.option(
    "--port", default=8765, show_default=True, type=click.IntRange(0, 65535), help="Port to listen at."
)
def serve(root: str, *, host: str, port: int) -> None:
    """Serves a page and an API to start, watch, compare, stop, resume and harvest searches."""
    try:
        from evo_nas.server.serving import serve as run_service
    except ImportError as error:
        raise click.UsageError(
            f"the service needs the package {error.name}; install it with `pip install 'evo-nas[serve]'`"
        ) from None
    from evo_nas.server.options import ServerOptions

    options = ServerOptions(root=root, state=Path(root, ".service"), host=host, port=port)
    run_service(options, ready=lambda url: click.echo(f"serving {root} at {url}"))
