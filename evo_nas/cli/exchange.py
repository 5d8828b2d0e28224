"""``ask`` and ``tell``: another program takes part in a search, by JSON lines."""

from __future__ import annotations

import json
from collections import deque
from typing import IO, TYPE_CHECKING, Any

import click

from evo_nas.cli.sources import source_option

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_LINES = 1000
"""Proposals that one call hands in."""


@click.command()
@click.argument("run")
@click.option(
    "-n",
    "--proposals",
    type=click.IntRange(min=1, max=MOST_LINES),
    default=1,
    show_default=True,
    help="How many proposals will follow; the answer says how many of them can be used.",
)
@click.option(
    "--since",
    type=click.IntRange(min=0),
    metavar="POSITION",
    help="Print the results from this position on, and not the space, which was printed before.",
)
@click.option(
    "--top", type=click.IntRange(min=0), default=5, show_default=True, help="Number of best candidates."
)
@source_option
def ask(run: str, *, proposals: int, since: int | None, top: int) -> None:
    """Prints what a program needs to propose networks to the search of RUN, as JSON lines.

    First the space, then the best candidates and the results, and at last how many proposals are wanted, with the
    position to give as --since next time. The strategy of RUN must be external; it may be searched anywhere.
    """
    from evo_nas.cli.sources import source

    for line in source().asked(run, proposals=proposals, since=since, top=top):
        _print(line)


@click.command()
@click.argument("run")
@click.argument("file", type=click.File("rb"), default="-")
@click.option("--name", default="script", show_default=True, help="What the program calls itself.")
@source_option
def tell(run: str, file: IO[bytes], *, name: str) -> None:
    """Hands the proposals in FILE, or on standard input, to the search of RUN, one JSON object a line.

    Prints a line for each: its number, or why it was refused. What was accepted is durable then. The exit code is 1 if
    one was refused, which costs nothing.
    """
    from evo_nas.cli.sources import source

    waiting: deque[int] = deque()
    is_refused = False

    def answer(number: int, values: dict[str, Any]) -> None:
        nonlocal is_refused
        is_refused |= "refused" in values
        _print({"line": number, **values})

    def texts() -> Iterator[str]:
        for number, (text, problem) in enumerate(_lines(file), start=1):
            if problem:
                answer(number, {"refused": problem})
                continue
            waiting.append(number)
            yield text

    for values in source().handed_in(run, texts(), name=name):
        answer(waiting.popleft(), values)
    if is_refused:
        raise SystemExit(1)


def _lines(file: IO[bytes]) -> Iterator[tuple[str, str]]:
    """Yields each line that is not empty, and what is wrong with it; reads no more than may be handed in."""
    from evo_nas.genome.suggestion_text import MOST_CHARACTERS

    # A character has at most four bytes.
    most_bytes = 4 * MOST_CHARACTERS
    count = 0
    while line := file.readline(most_bytes + 1):
        if not line.strip():
            continue
        count += 1
        if count > MOST_LINES:
            yield "", f"it has more than {MOST_LINES} proposals; hand in the others with another call"
            return
        if len(line) > most_bytes:
            yield "", f"the line is longer than {most_bytes} bytes; nothing after it was read"
            return
        try:
            yield line.decode("utf-8"), ""
        except UnicodeDecodeError as error:
            yield "", f"the line is not UTF-8 at byte {error.start}"


def _print(values: dict[str, object]) -> None:
    # Escaped, so that no text of a proposal steers the terminal.
    click.echo(json.dumps(values, allow_nan=False))
