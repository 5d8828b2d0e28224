"""``init``: drafts a configuration from a person's files."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from evo_nas.drafts.parts import GivenFiles


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--out",
    type=click.Path(path_type=Path, allow_dash=True),
    metavar="FILE",
    help="Where to write it; - for standard output. By default the name of the data with .yaml; never overwritten.",
)
@click.option("--task", metavar="KIND", help="The kind of task, where the files do not say it.")
def init(files: tuple[Path, ...], *, out: Path | None, task: str | None) -> None:
    """Drafts a configuration for the data in FILES: a YAML file whose every guess has its reason beside it.

    It looks for columns of times, labels, texts and names of sequences, tells training and test files apart by their
    names, and tries whether the data can be read. FILES may be folders, and in quotes patterns such as 'run_*.csv'.
    """
    from evo_nas.data.paths import expanded
    from evo_nas.drafts import draft_of
    from evo_nas.drafts.draft import slug
    from evo_nas.drafts.parts import GivenFiles
    from evo_nas.errors import EvoNasError
    from evo_nas.views.drafting import readable

    name = slug(files[0])
    target = out or Path(f"{name}.yaml")
    is_printed = target == Path("-")
    if not is_printed:
        _require_new(target)
    _require_kind(task)
    base = Path() if is_printed else target.parent
    given = GivenFiles.of(expanded(files), base)
    draft = draft_of(given, task=task)
    problem: EvoNasError | None = None
    try:
        draft = readable(draft, base)
    except EvoNasError as error:
        problem = error
    text = draft.to_yaml(name, _heading(given, target))
    if is_printed:
        click.echo(text, nl=False)
    else:
        target.write_text(text, encoding="utf-8")
        click.echo(f"{target} is a draft for {draft.kind.replace('_', ' ')}: {draft.reason}")
    if problem is not None:
        raise problem
    if not is_printed:
        click.echo(f"look at what it says and at the data: evo-nas data {shlex.quote(str(target))}")


def _heading(given: GivenFiles, target: Path) -> tuple[str, ...]:
    files = [file.name for paths in given.by_key.values() for file in paths]
    named = ", ".join(files[:4]) + (f" and {len(files) - 4} more" if len(files) > 4 else "")
    return (
        f"Drafted by `evo-nas init` from {named}.",
        "Each guess has its reason above it: change what is wrong, look at "
        f"`evo-nas data {target.name if target.name != '-' else 'CONFIG'}`, then run `evo-nas search` on it. "
        "`evo-nas explain-config` explains every key.",
    )


def _require_new(target: Path) -> None:
    from evo_nas.errors import ConfigError

    if target.exists():
        raise ConfigError(f"{target} is there already and is not overwritten; name another file with --out")


def _require_kind(task: str | None) -> None:
    from evo_nas.config import nearest
    from evo_nas.errors import ConfigError
    from evo_nas.tasks.registry import TASKS

    if task is not None and task not in TASKS:
        raise ConfigError(f"--task is {task}; {nearest(task, sorted(TASKS))}")
