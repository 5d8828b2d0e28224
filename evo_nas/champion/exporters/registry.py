"""The export formats by name; programs may add their own."""

from __future__ import annotations

import inspect
import re
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar

from evo_nas.champion.exporters.c99.exporter import CExporter
from evo_nas.champion.exporters.exporter import Exporter
from evo_nas.champion.exporters.genome_json import GenomeExporter
from evo_nas.champion.exporters.hugging_face import HuggingFaceExporter
from evo_nas.champion.exporters.native import NativeExporter
from evo_nas.champion.exporters.onnx.exporter import OnnxExporter
from evo_nas.champion.exporters.python.exporter import PythonExporter
from evo_nas.champion.exporters.safetensors_json import SafetensorsExporter
from evo_nas.champion.exporters.torch_program import TorchExporter
from evo_nas.config import nearest
from evo_nas.errors import ChampionError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evo_nas.champion.exporters.exporter import ExportOptions

ExporterClass = TypeVar("ExporterClass", bound=type[Exporter])

_exporters: dict[str, Exporter] = {}
EXPORTERS: Mapping[str, Exporter] = MappingProxyType(_exporters)
"""All registered formats by name; a read-only view that `register_exporter` adds to."""


def register_exporter(cls: ExporterClass) -> ExporterClass:
    """Makes an export format known; usable as a decorator of the class, which is built without arguments.

    Raises:
        ChampionError: The class is no complete exporter, or its ``name`` belongs to another one.
    """
    if not (isinstance(cls, type) and issubclass(cls, Exporter)):
        raise ChampionError(
            f"{cls!r} cannot be registered; must be a subclass of evo_nas.champion.exporters.exporter.Exporter"
        )
    name = getattr(cls, "name", None)
    if not (isinstance(name, str) and re.fullmatch(r"[a-z][a-z0-9_]*", name)):
        raise ChampionError(
            f"{cls.__name__}.name is {name!r}; must be a name of small letters, digits and underscores"
        )
    if inspect.isabstract(cls):
        missing = ", ".join(sorted(cls.__abstractmethods__))
        raise ChampionError(f"{cls.__name__} does not define {missing}; an exporter must")
    taken = type(_exporters.get(name))
    if name in _exporters and taken is not cls:
        raise ChampionError(
            f"{cls.__name__}.name is {name!r}, which {taken.__module__}.{taken.__name__} has; choose another"
        )
    _exporters[name] = cls()
    return cls


def exporter_of(kind: str, options: ExportOptions) -> Exporter:
    """Returns the exporter of a format.

    Raises:
        ChampionError: There is no such format, or it does not take one of the options.
    """
    if kind not in EXPORTERS:
        raise ChampionError(f"format is {kind}; {nearest(kind, sorted(EXPORTERS))}")
    exporter = EXPORTERS[kind]
    for option in sorted(options.given - exporter.takes):
        others = [name for name, each in sorted(EXPORTERS.items()) if option in each.takes]
        raise ChampionError(
            f"format {kind} does not take --{option}; leave it out, or choose one that does: "
            f"{', '.join(others) or 'none'}"
        )
    return exporter


def summary_of(exporter: Exporter) -> str:
    """Returns the first line of an exporter's docstring."""
    return (inspect.getdoc(type(exporter)) or "").partition("\n")[0]


_SHIPPED: tuple[type[Exporter], ...] = (
    CExporter,
    GenomeExporter,
    HuggingFaceExporter,
    NativeExporter,
    OnnxExporter,
    PythonExporter,
    SafetensorsExporter,
    TorchExporter,
)
for _shipped in _SHIPPED:
    register_exporter(_shipped)
