"""The shipped contract of export formats, held against every registered one."""

from __future__ import annotations

import pytest

from evo_nas.champion.exporters.exporter import Exporter
from evo_nas.champion.exporters.genome_json import GenomeExporter
from evo_nas.champion.exporters.native import NativeExporter
from evo_nas.champion.exporters.python.exporter import PythonExporter
from evo_nas.champion.exporters.registry import EXPORTERS
from evo_nas.champion.exporters.safetensors_json import SafetensorsExporter
from evo_nas.testing.exporters import ExporterContract


class TestNative(ExporterContract):
    @pytest.fixture
    def exporter_class(self) -> type[Exporter]:
        return NativeExporter


class TestGenome(ExporterContract):
    @pytest.fixture
    def exporter_class(self) -> type[Exporter]:
        return GenomeExporter


class TestPython(ExporterContract):
    @pytest.fixture
    def exporter_class(self) -> type[Exporter]:
        return PythonExporter


class TestSafetensors(ExporterContract):
    @pytest.fixture
    def exporter_class(self) -> type[Exporter]:
        return SafetensorsExporter


TESTED = {"genome", "native", "python", "safetensors"}


def test_every_registered_format_is_held_against_the_contract() -> None:
    assert set(EXPORTERS) == TESTED, "give the format a class above, and its name here"
