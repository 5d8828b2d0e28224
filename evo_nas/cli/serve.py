"""``serve``: the service, for browsers and over HTTP."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import click

from evo_nas.cli.options import address


@click.command()
@click.option("--root", default="runs", show_default=True, metavar="PLACE", help="Where the runs are kept.")
@address(required=False)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at.")
@click.option(
    "--port",
    default=8765,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="Port to listen at; 0 for any that is free.",
)
@click.option(
    "--token-file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="File with the token that clients must present; made if it is not there. Needed unless --host is loopback.",
)
@click.option(
    "--data",
    multiple=True,
    metavar="PLACE",
    help="Directory or URI under which files of configurations may lie, or hf:// for the Hugging Face hub. By default "
    "this directory and the hub if nobody else can reach the service, otherwise nothing.",
)
@click.option(
    "--name", "names", multiple=True, metavar="HOST", help="Another name by which the service is called."
)
@click.option(
    "--proxy",
    "proxies",
    multiple=True,
    metavar="ADDRESS",
    help="Address or network of a proxy before the service, which says who asks and whether by TLS.",
)
@click.option(
    "--state",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Where launches write events and logs; by default .service in the root, or a cache of yours if that is a URI.",
)
@click.option(
    "--inline", is_flag=True, help="Train each search in one process, without Ray; for small machines."
)
def serve(  # noqa: PLR0913 - one for each option
    root: str,
    *,
    address: str | None,
    host: str,
    port: int,
    token_file: Path | None,
    data: tuple[str, ...],
    names: tuple[str, ...],
    proxies: tuple[str, ...],
    state: Path | None,
    inline: bool,
) -> None:
    """Serves a page and an API to start, watch, compare, stop, resume and harvest searches."""
    try:
        from evo_nas.server.serving import serve as run_service
    except ImportError as error:
        raise click.UsageError(
            f"the service needs the package {error.name}; install it with `pip install 'evo-nas[serve]'`"
        ) from None
    from evo_nas.errors import ConfigError
    from evo_nas.server.data_roots import HUB
    from evo_nas.server.options import ServerOptions
    from evo_nas.server.readiness import check_cluster
    from evo_nas.server.root import RunsRoot
    from evo_nas.server.token_files import token_in

    if "://" in root and address is None:
        raise ConfigError(
            f"--root is {root}, which only a cluster can search in; give its --address, or a directory"
        )
    if inline and address is not None:
        raise ConfigError("--inline is given beside --address; leave one of them out")
    missing = [place for place in data if "://" not in place and not Path(place).is_dir()]
    if missing:
        raise ConfigError(
            f"--data is {missing[0]}, which is no directory; give one that is there, a URI, or {HUB}"
        )
    options = ServerOptions(
        root=root,
        state=state or _state_of(root),
        address=address,
        host=host,
        port=port,
        token=None if token_file is None else token_in(token_file),
        data=data,
        names=names,
        proxies=proxies,
        inline=inline,
    )
    if not data and options.is_private:
        options = replace(options, data=(str(Path.cwd()), HUB))
    RunsRoot(root).check_writable()
    if address is not None:
        check_cluster(address)

    def ready(url: str) -> None:
        click.echo(f"serving {root} at {url}")
        if token_file is not None:
            click.echo(f"sign in with the token in {token_file}")
        places = ", ".join(map(_shown, options.data)) or "none; permit some with --data"
        click.echo(f"data may lie in: {places}")

    run_service(options, ready=ready)


def _shown(place: str) -> str:
    """Returns a data root so that it is known where it lies."""
    return place if "://" in place else str(Path(place).absolute())


def _state_of(root: str) -> Path:
    if "://" not in root:
        return Path(root, ".service")
    name = hashlib.sha256(root.encode()).hexdigest()[:16]
    return Path("~/.cache/evo-nas/service").expanduser() / name
