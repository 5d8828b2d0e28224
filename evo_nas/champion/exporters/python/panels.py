"""What leads from the series of a panel to inputs and from outputs to forecasts, as functions of a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evo_nas.champion.exporters.python.code import text_literal
from evo_nas.champion.exporters.python.holes import PANEL_FILLING

if TYPE_CHECKING:
    from evo_nas.champion.exporters.python.constants import Constants
    from evo_nas.tasks.answers import NumberAnswers
    from evo_nas.tasks.raw_panels import PanelInputs

_FUNCTIONS = '''def window(series: Any) -> Tensor:
    """Returns what is read of a series `(time,)`, in its own unit."""
    values = torch.as_tensor(series, dtype=torch.float64).flatten()
    # The first season is read only as what lies before the steps after it.
    start = max(len(values) - WINDOW - SEASON + 1, 0)
    scaled = (values / unit_of(series, SEASON))[start:, None]
{filling}
    return seasons_of(scaled[:, 0].float(), SEASON, HORIZON)


def prepare(sequences: Sequence[Any]) -> tuple[Tensor, Tensor | None]:
    """Returns inputs `(batch, time, {features})`, and the lengths of sequences that differ.

    Args:
        sequences: Series `(time,)`: lists, arrays or tensors, nan for a missing value.
    """
    return padded([window(series) for series in sequences])


def read(path: Path) -> list[Any]:
    """Returns the series of a file."""
    return panel(path, {series}, {value}, {time})


def outputs(sequences: Sequence[Any]) -> Tensor:
    """Returns the outputs of the network, in the unit of each series."""
    inputs, lengths = prepare(sequences)
    with torch.inference_mode():
        return load()(inputs, lengths)


def predict(sequences: Sequence[Any]) -> Tensor:
    """Returns forecasts as large as each series is, `({axes})`."""
    units = torch.stack([unit_of(series, SEASON) for series in sequences])
    found = outputs(sequences).view(-1, HORIZON, {levels}).double()
    return {answer}'''


def panel_functions(inputs: PanelInputs, answers: NumberAnswers, constants: Constants) -> list[str]:
    """Returns the functions of a file that forecasts series of a panel, and adds the constants that they read."""
    constants.number("WINDOW", inputs.window)
    constants.number("HORIZON", inputs.horizon)
    constants.number("SEASON", inputs.season)
    # Sorted, so that quantiles do not cross.
    answer = "found[..., 0] * units[:, None]"
    if answers.quantiles:
        constants.many("QUANTILES", answers.quantiles, "The levels that are forecast.")
        answer = "found.sort(dim=-1).values * units[:, None, None]"
    columns = inputs.table
    text = _FUNCTIONS.format(
        filling=PANEL_FILLING[inputs.missing],
        features=inputs.features,
        series=text_literal(columns.series or ""),
        value=text_literal(columns.value or ""),
        time=text_literal(columns.time or ""),
        axes="batch, horizon, quantiles" if answers.quantiles else "batch, horizon",
        levels=max(len(answers.quantiles), 1),
        answer=answer,
    )
    return text.split("\n\n\n")
