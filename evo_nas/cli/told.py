"""What a service has told, as the commands show it: `Told` texts, and explanations."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

from rich.text import Text

from evo_nas.champion.explanation import CellExplanation, Explanation, LineageStep
from evo_nas.champion.kinship import Kin

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import RenderableType

    from evo_nas.champion.probing import Probe
    from evo_nas.client import RemoteRun


class Told:
    """What a command of the service says of a run; asked for when it is shown.

    Args:
        run: The run.
        command: The command, ``finalists`` or ``replay``.
        options: Its options.
    """

    def __init__(self, run: RemoteRun, command: str, **options: Any) -> None:
        self._run = run
        self._command = command
        self._options = options

    def to_values(self) -> dict[str, Any]:
        """Asks for plain values."""
        return self._run.analysis(self._command, **self._options)

    def render(self) -> RenderableType:
        """Asks for the text for people, as wide as the terminal here."""
        columns = shutil.get_terminal_size().columns
        text = self._run.analysis_text(self._command, columns=columns, **self._options)
        return Text(text.rstrip("\n"))


def told_explanation(values: Mapping[str, Any]) -> Explanation:
    """Returns an explanation from what `Explanation.to_values` gave."""
    cells = tuple(
        CellExplanation(
            tuple(cell["layers"]),
            tuple(cell["equations"]),
            cell["latex"],
            cell["mathml"],
            Kin(**cell["kin"] | {"differences": tuple(cell["kin"]["differences"])}),
        )
        for cell in values["cells"]
    )
    lineage = tuple(LineageStep(**step | {"changes": tuple(step["changes"])}) for step in values["lineage"])
    plain = {name: values[name] for name in ("candidate", "architecture", "drawing", "noise", "importance")}
    probe = None if values.get("probe") is None else _probe(values["probe"])
    return Explanation(cells=cells, lineage=lineage, remarks=tuple(values["remarks"]), probe=probe, **plain)


def _probe(values: Mapping[str, Any]) -> Probe:
    from evo_nas.champion.probing import GateActivity, Probe, Timescale

    return Probe(
        metric=values["metric"],
        value=values["value"],
        gates=tuple(GateActivity(**each) for each in values["gates"]),
        timescales=tuple(Timescale(**each) for each in values["timescales"]),
        inputs=values["inputs"],
        # JSON has texts for keys alone.
        history={int(steps): value for steps, value in values["history"].items()},
    )
