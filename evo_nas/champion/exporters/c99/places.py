"""What the first layer reads at each place of a window that is read at once, in C."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from evo_nas.champion.exporters.c99.source import loop
from evo_nas.genome.architecture import Forecast
from evo_nas.genome.blocks import Columns
from evo_nas.genome.columns import targets_of

if TYPE_CHECKING:
    from evo_nas.champion.exporters.c99.fronts import FrontWriter
    from evo_nas.champion.exporters.c99.source import Source
    from evo_nas.models.network import Network


@dataclass(frozen=True, slots=True)
class Window:
    """The window that is read at once.

    Attributes:
        most: Most steps of it.
        expression: How C says that number.
        inputs: The array of all prepared steps: floats, or ids of tokens.
    """

    most: int
    expression: str
    inputs: str = "prepared"


class PlaceWriter:
    """Writes ``PREFIXread_place(place, target, steps, value0)``.

    Args:
        source: Where it is written.
        network: The network.
        front: Its front.
        prefix: Beginning of all names.
    """

    def __init__(self, source: Source, network: Network, front: FrontWriter, *, prefix: str) -> None:
        self._source = source
        self._architecture = network.architecture
        self._signature = network.signature
        self._front = front
        self._prefix = prefix

    def write(self, window: Window) -> str:
        """Adds the function that gives what the first layer reads at a place of the window; returns its name."""
        source, name, front = self._source, f"{self._prefix}read_place", self._front
        row = self._row(window)
        lines: list[str] = []
        if front.is_window:
            size, stride, read = front.size, front.stride, front.read
            # The last place ends at the last step, and places before the first step read zeros.
            first = f"place * {stride} - {size - stride}"
            first += f" - ({stride} - steps % {stride}) % {stride}" if stride > 1 else ""
            lines += [
                f"float joined[{size * read}];",
                f"const int32_t first = {first};",
                *loop(
                    "k",
                    size,
                    "if (first + k >= 0) {",
                    f"    {row}(first + k, target, steps, joined + k * {read});",
                    "} else {",
                    f"    {source.helper('fill')}(joined + k * {read}, 0.0f, {read});",
                    "}",
                ),
                *front.place(),
            ]
        else:
            step = front.step()
            if step is None:
                lines.append(f"{row}(place, target, steps, value0);")
            else:
                lines += [f"float row[{front.read}];", f"{row}(place, target, steps, row);"]
                arguments = f"row, {window.inputs}[place]" if front.takes_id else "row"
                lines.append(f"{step}({arguments}, value0);")
        source.function(
            f"static void {name}(int32_t place, int32_t target, int32_t steps, float *value0)",
            lines,
            "What the first layer reads at a place of the window.",
        )
        return name

    def _row(self, window: Window) -> str:
        """Adds the function that gives one step of the window as the network reads it; returns its name."""
        source, name, read = self._source, f"{self._prefix}read_row", self._front.read
        relative = self._architecture.forecast is Forecast.RELATIVE
        features = self._signature.features
        lines: list[str]
        if self._front.table is not None:
            copy = source.helper("copy")
            lines = [f"{copy}(out, {self._front.table} + {window.inputs}[t] * {read}, {read});"]
            unused = ["target", "steps"]
        else:
            less = f" - {window.inputs}[(steps - 1) * {features} + {{at}}]" if relative else ""
            value = f"{window.inputs}[t * {features} + {{at}}]{less}"
            unused = [] if relative else ["steps"]
            if self._architecture.columns is Columns.APART:
                targets = targets_of(self._signature)
                others = [at for at in range(features) if at not in targets]
                of_targets = source.integers(f"{self._prefix}targets", targets)
                lines = [f"out[0] = {value.format(at=f'{of_targets}[target]')};"]
                if others:
                    of_others = source.integers(f"{self._prefix}others", others)
                    lines += loop("i", len(others), f"out[1 + i] = {value.format(at=f'{of_others}[i]')};")
            else:
                lines = loop("i", features, f"out[i] = {value.format(at='i')};")
                unused.append("target")
        source.function(
            f"static void {name}(int32_t t, int32_t target, int32_t steps, float *out)",
            [*(f"(void){each};" for each in unused), *lines],
            "One step of the window.",
        )
        return name
