"""``meta``: learns initial weights from which a network adapts to new tasks of a family in a few steps."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from evo_nas.cli.options import as_json, overrides

if TYPE_CHECKING:
    from evo_nas.champion.meta_learning import Learnt, MetaProgress


@click.command()
@click.argument("config", type=click.Path(path_type=Path))
@click.option(
    "--algorithm",
    # Not from the schema, which takes long to load where only help is asked for.
    type=click.Choice(("reptile", "fomaml", "maml")),
    help="What learns; by default that of training.adaptation, which is reptile.",
)
@click.option(
    "--architecture",
    "named",
    default="lstm",
    show_default=True,
    metavar="WHAT",
    help="A founder of the space, a run, a folder of an export, a JSON file, or a genome such as [1, 0, 2].",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Where the weights go; by default meta/<name of the config>. The same command goes on where it stopped.",
)
@overrides
@as_json
def meta(
    config: Path,
    *,
    algorithm: str | None,
    named: str,
    output: Path | None,
    overrides: tuple[str, ...],
    as_json: bool,
) -> None:
    """Learns initial weights for the family of tasks that CONFIG describes.

    A network with these weights adapts to a new task of the family in a few steps of gradient descent. The task is
    few_shot, sines, or forecast with several series. training.adaptation says how a network adapts, and
    training.epochs how long the weights are learnt.
    """
    from evo_nas.champion.meta_learning import MetaLearning, chosen_architecture
    from evo_nas.config import load_config
    from evo_nas.experiment import Experiment

    chosen = () if algorithm is None else (f"training.adaptation.algorithm={algorithm}",)
    settings = load_config(config, (*overrides, *chosen))
    if settings.training.adaptation is None:
        settings = load_config(config, (*overrides, "training.adaptation={}"))
    experiment = Experiment.of(settings)
    architecture = chosen_architecture(named, experiment.space)
    place = output or Path("meta") / settings.name
    learning = MetaLearning(experiment, architecture, place)
    for progress in learning.run():
        click.echo(json.dumps({"event": "epoch", **asdict(progress)}) if as_json else _line(progress))
    learnt = learning.result()
    if as_json:
        click.echo(json.dumps({"event": "learnt", "place": str(place), **asdict(learnt)}))
    else:
        click.echo("\n".join(_summary(learnt, place)))


def _line(progress: MetaProgress) -> str:
    from evo_nas.cli.formatting import figure

    return (
        f"epoch {progress.epoch}/{progress.epochs}  validation {figure(progress.latest)}, "
        f"best {figure(progress.value)}"
    )


def _summary(learnt: Learnt, place: Path) -> list[str]:
    from evo_nas.cli.formatting import figure
    from evo_nas.views.text import counted

    def after(values: tuple[float, ...]) -> str:
        return "  ".join(f"{figure(value):>8}" for value in values)

    names = {"meta-learnt": learnt.test, "from scratch": learnt.scratch}
    width = max(map(len, (*names, *learnt.baselines))) + 2
    lines = [
        f"test {learnt.metric} on new tasks after 0 to {counted(learnt.steps, 'step')} of adaptation:",
        *(f"  {name:<{width}}{after(values)}" for name, values in names.items()),
        *(f"  {name:<{width}}{figure(value):>8}" for name, value in learnt.baselines.items()),
    ]
    return [*lines, f"initial weights are in {place}"]
