"""The export formats by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evo_nas.champion.exporters.native import NativeExporter

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evo_nas.champion.exporters.exporter import Exporter

EXPORTERS: Mapping[str, Exporter] = {exporter.name: exporter for exporter in (NativeExporter(),)}
