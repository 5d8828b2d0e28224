"""``explain-config``: explains the keys of a configuration, with permitted values and an example."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evo_nas.config.reference import Section


@click.command("explain-config")
@click.argument("name", default="", metavar="[SECTION]")
@click.option("--markdown", is_flag=True, help="Print the reference of all sections as Markdown.")
def explain_config(name: str, *, markdown: bool) -> None:
    """Explains the keys of SECTION, such as space, training or task.forecast.

    Without SECTION it lists the sections of a configuration. SECTION may also be a single key, such as training.epochs.
    """
    from evo_nas.cli.reference_view import key_view, markdown_of, section_view
    from evo_nas.config.reference import find

    if markdown:
        click.echo(markdown_of(all_sections()), nl=False)
        return
    from evo_nas.cli.terminal import plain_console

    section, key = find(name, all_sections())
    view = section_view(section) if key is None else key_view(name, key)
    # Not cropped, so that an example can be copied whole.
    plain_console().print(view, crop=False)


def all_sections() -> Mapping[str, Section]:
    """Returns all sections of a configuration by name; see `sections_of`."""
    from evo_nas.config import SearchConfig
    from evo_nas.config.reference import sections_of
    from evo_nas.genome.options import SpaceOptions
    from evo_nas.strategies.registry import STRATEGIES
    from evo_nas.tasks.registry import TASKS

    return sections_of(
        SearchConfig,
        models={"space": SpaceOptions},
        kinds={
            "task": {kind: (task.__doc__ or "", task.Options) for kind, task in TASKS.items()},
            "strategy": {kind: (each.__doc__ or "", each.Options) for kind, each in STRATEGIES.items()},
        },
    )


def strategy_sections() -> Mapping[str, Section]:
    """Returns the section of each strategy by its kind."""
    return {section.name.rpartition(".")[2]: section for section in all_sections()["strategy"].kinds}
