"""``explain-config``: explains the keys of a configuration, with permitted values and an example."""

from __future__ import annotations

import click


@click.command("explain-config")
@click.argument("name", default="", metavar="[SECTION]")
@click.option("--markdown", is_flag=True, help="Print the reference of all sections as Markdown.")
def explain_config(name: str, *, markdown: bool) -> None:
    """Explains the keys of SECTION, such as space, training or task.forecast.

    Without SECTION it lists the sections of a configuration. SECTION may also be a single key, such as training.epochs.
    """
    from evo_nas.cli.reference_view import key_view, markdown_of, section_view
    from evo_nas.config.reference import find
    from evo_nas.views.configuration import all_sections

    if markdown:
        click.echo(markdown_of(all_sections()), nl=False)
        return
    from evo_nas.cli.terminal import plain_console

    section, key = find(name, all_sections())
    view = section_view(section) if key is None else key_view(name, key)
    # Not cropped, so that an example can be copied whole.
    plain_console().print(view, crop=False)
