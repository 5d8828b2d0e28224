"""``predict``: what a champion says of a file, or what it lets follow."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from evo_nas.cli.sources import source_option

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evo_nas.cli.predictors import Predictor


@click.command()
@click.argument("champion")
@source_option
@click.option(
    "--input",
    "file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Raw data in the format of the task, a folder of sounds, or a prompt.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Ends in .csv, .parquet or .jsonl; generated text in .txt, music also in .mid. Prints CSV or text without it.",
)
@click.option("--score", is_flag=True, help="Also compares predictions with what the file says.")
@click.option(
    "--rolling", is_flag=True, help="Forecasts rows that FILE has, again from one origin after the other."
)
@click.option(
    "--stride",
    type=click.IntRange(1),
    metavar="ROWS",
    help="Rows between the origins of --rolling; as many as a forecast has by default.",
)
@click.option("--prompt", metavar="TEXT", help="The beginning of a text that is continued.")
@click.option(
    "--length",
    type=click.IntRange(1, 1_000_000),
    help="Generates so many tokens or frames; 200 by default for texts.",
)
@click.option(
    "--temperature",
    type=click.FloatRange(0.0),
    default=1.0,
    show_default=True,
    help="Above 1 what is generated is more varied, below 1 more likely; 0 takes the likeliest.",
)
@click.option(
    "--seed", type=click.IntRange(0, 2**63 - 1), default=0, show_default=True, help="Of what is generated."
)
def predict(
    champion: str,
    *,
    file: Path | None,
    output: Path | None,
    score: bool,
    rolling: bool,
    stride: int | None,
    **drawing: Any,
) -> None:
    """Predicts FILE with CHAMPION, an exported folder or a run.

    FILE is raw data as the task reads them; what is predicted need not be in it. A row is written for each sequence,
    each step or each time of a forecast, with probabilities or quantiles. With --rolling forecasts stand beside the
    rows that came. A champion of texts or of music continues a prompt instead.
    """
    from evo_nas.cli.sources import source

    asked = source().predictor(champion)
    is_drawing = drawing["prompt"] is not None or drawing["length"] is not None
    if (score or rolling) and is_drawing:
        raise click.UsageError(
            "--score and --rolling compare predictions; give them without --prompt and --length"
        )
    if stride is not None and not rolling:
        raise click.UsageError("--stride is for --rolling; give both")
    # Music is predicted frame by frame unless it is to go on; a text cannot but go on.
    if not score and (asked.continues == "text" or (asked.continues and is_drawing)):
        _generate(asked, file, output, **drawing)
        return
    if is_drawing:
        raise click.UsageError(
            "--prompt and --length are for texts and music; the champion generates neither"
        )
    if file is None:
        raise click.UsageError("give the file to predict with --input")
    _predict(asked, file, output, score=score, rolling=rolling, stride=stride)


def _predict(champion: Predictor, file: Path, output: Path | None, **how: Any) -> None:
    from evo_nas.champion.prediction_files import check_output, csv_of, write_table

    check_output(output)
    prediction = champion.predict_file(file, **how)
    _note(prediction.remarks)
    if output is None:
        click.echo(csv_of(prediction.table).decode(), nl=False)
    else:
        write_table(prediction.table, output)
        click.echo(f"{len(prediction.table):,} rows in {output}")
    if prediction.score:
        click.echo(prediction.score, err=output is None)


def _note(remarks: Sequence[str]) -> None:
    for remark in remarks:
        click.echo(f"note: {remark}", err=True)


def _generate(
    champion: Predictor,
    file: Path | None,
    output: Path | None,
    *,
    prompt: str | None,
    length: int | None,
    **drawing: Any,
) -> None:
    from evo_nas.champion.prediction_files import check_output, csv_of, table_of_music, write_music
    from evo_nas.views.continuations import USUAL_LENGTH

    check_output(output, generates=champion.continues)
    is_text = champion.continues == "text"
    if prompt is not None and not is_text:
        raise click.UsageError("--prompt is a text; give the beginning of music with --input")
    if prompt is not None and file is not None:
        raise click.UsageError("--prompt and --input are both the beginning of the text; give one of them")
    said = champion.continuation(prompt=prompt, file=file, length=length or USUAL_LENGTH, **drawing)
    _note(said.remarks)
    drawn = said.drawn
    if is_text:
        if output is None:
            click.echo(drawn)
        else:
            output.write_text(f"{drawn}\n", encoding="utf-8")
    elif output is None:
        click.echo(csv_of(table_of_music(drawn)).decode(), nl=False)
    else:
        write_music(drawn, output)
        click.echo(f"{len(drawn):,} frames in {output}")
