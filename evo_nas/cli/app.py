"""The ``evo-nas`` command: its subcommands and the way that it prints errors."""

from __future__ import annotations

import errno
import sys
from typing import IO, Any

import click

from evo_nas.cli.cell import cell
from evo_nas.cli.champion import champion
from evo_nas.cli.cluster import attach, logs, status, stop, submit, token
from evo_nas.cli.compare import compare
from evo_nas.cli.data import data
from evo_nas.cli.doctor import doctor
from evo_nas.cli.encoding import print_in_any_encoding
from evo_nas.cli.ensemble import ensemble
from evo_nas.cli.exchange import ask, tell
from evo_nas.cli.explain import explain
from evo_nas.cli.explain_config import explain_config
from evo_nas.cli.export import export
from evo_nas.cli.finalists import finalists
from evo_nas.cli.init import init
from evo_nas.cli.meta import meta
from evo_nas.cli.portfolio import portfolio
from evo_nas.cli.predict import predict
from evo_nas.cli.replay import replay
from evo_nas.cli.report import report
from evo_nas.cli.retrain import retrain
from evo_nas.cli.runs import runs
from evo_nas.cli.search import resume, search
from evo_nas.cli.serve import serve
from evo_nas.cli.show import show
from evo_nas.cli.strategies import strategies
from evo_nas.cli.tune import tune
from evo_nas.cli.verify import verify
from evo_nas.errors import EvoNasError
from evo_nas.views.text import visible


class Refusal(click.ClickException):
    """An error that is printed without a traceback: one line per problem; indented lines continue the one before.

    Args:
        message: What is printed.
        kind: Name of the class of the error; empty if it is none of evo-nas.
    """

    exit_code = 2

    def __init__(self, message: str, kind: str = "") -> None:
        super().__init__(message)
        self.kind = kind

    def show(self, file: IO[Any] | None = None) -> None:
        """Prints the message to ``file``, by default standard error."""
        # Not `splitlines`, which would also break a name that holds another kind of line break.
        for line in map(visible, self.message.split("\n")):
            click.echo(line if line.startswith(" ") else f"error: {line}", file=file or sys.stderr)


class _Guarded(click.Group):
    def main(self, *args: Any, **kwargs: Any) -> Any:
        print_in_any_encoding()
        return super().main(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except EvoNasError as error:
            # The message alone says what to do; a traceback would bury it.
            raise Refusal(str(error), type(error).__name__) from None
        except OSError as error:
            # A closed pipe is no problem to explain: click ends quietly when `head` has seen enough.
            if error.errno is None or error.errno == errno.EPIPE:
                raise
            raise Refusal(_os_error(error)) from None


def _os_error(error: OSError) -> str:
    where = f" ({error.filename})" if error.filename else ""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return (
            f"the disk is full{where}; free some space and give the same command, nothing committed is lost"
        )
    return f"{error.strerror}{where}; mend that and give the same command, nothing committed is lost"


@click.group(cls=_Guarded, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="evo-nas")
def main() -> None:
    """Evolves a recurrent network for your data and hands back a trained model."""


for _command in (
    init,
    search,
    resume,
    submit,
    attach,
    status,
    logs,
    stop,
    runs,
    show,
    ask,
    tell,
    verify,
    replay,
    report,
    meta,
    portfolio,
    finalists,
    compare,
    ensemble,
    tune,
    export,
    predict,
    retrain,
    data,
    cell,
    champion,
    strategies,
    explain,
    explain_config,
    serve,
    doctor,
    token,
):
    main.add_command(_command)
