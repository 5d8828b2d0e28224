"""The lines of a file that fill missing values as training did."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evo_nas.tasks.raw_inputs import NumericInputs

PANEL_FILLING: Mapping[str, str] = {
    "refuse": "    refuse_holes(scaled)",
    "previous": "    scaled = carried_on_and_back(scaled)",
    "interpolate": "    scaled = interpolated(scaled)",
}
"""What is done to ``scaled`` of a panel, by its choice of ``missing``."""


def filling(inputs: NumericInputs, *, of_series: bool) -> list[str]:
    """Returns the lines that fill holes in ``values``, as `data.holes.HoleFilling` does."""
    masked = list(inputs.masked)
    match inputs.missing:
        case "refuse":
            return ["        refuse_holes(values)"]
        case "previous":
            return [f"        values = {'carried_on' if of_series else 'carried_on_and_back'}(values)"]
        case "interpolate":
            return ["        values = interpolated(values)"]
        case _:
            filled = "carried_on(values)" if of_series else "values.nan_to_num()"
            lines = [f"        refuse_holes(values, {masked})"]
            if masked:
                return [*lines, f"        values = with_masks(values, {filled}, {masked})"]
            return lines
