"""The shipped contract of export formats, held against every registered one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import pytest

from evo_nas.champion.exporters.c99.exporter import CExporter
from evo_nas.champion.exporters.exporter import Exporter, ExportOptions
from evo_nas.champion.exporters.genome_json import GenomeExporter
from evo_nas.champion.exporters.hugging_face import HuggingFaceExporter
from evo_nas.champion.exporters.native import NativeExporter
from evo_nas.champion.exporters.onnx.exporter import OnnxExporter
from evo_nas.champion.exporters.python.exporter import PythonExporter
from evo_nas.champion.exporters.registry import EXPORTERS
from evo_nas.champion.exporters.safetensors_json import SafetensorsExporter
from evo_nas.champion.exporters.torch_program import TorchExporter
from evo_nas.testing.exporters import ExporterContract


class TestNative(ExporterContract):
    @pytest.fixture
    def exporter_class(self) -> type[Exporter]:
        return NativeExporter


class TestGenome(ExporterContract):
    @pytest.fixture
    def exporter_class(self) -> type[Exporter]:
        return GenomeExporter


class TestOnnx(ExporterContract):
    @pytest.fixture
    def exporter_class(self) -> type[Exporter]:
        pytest.importorskip("onnxruntime", reason="needs evo-nas[onnx]")
        return OnnxExporter


class TestOnnxStepByStep(TestOnnx):
    options = ExportOptions(streaming=True)
    refuses: ClassVar[Mapping[str, str]] = {
        "classes of sequences with holes": "layers.0. is bidirectional",
        "classes by every op": "missing is interpolate",
        "classes by attention and memory": "front is convolution 3/2",
        "classes by layers of several paces": "layers.1. is bidirectional",
        "class of every step": "layers.0. is bidirectional",
        "a forecast": "forecast is relative",
        "a forecast of quantiles": "front is segments 2",
        "a forecast by an ensemble": "head.segment is 2",
        "class of every word": "layers.0. is bidirectional",
    }


class TestPython(ExporterContract):
    @pytest.fixture
    def exporter_class(self) -> type[Exporter]:
        return PythonExporter


class TestSafetensors(ExporterContract):
    @pytest.fixture
    def exporter_class(self) -> type[Exporter]:
        return SafetensorsExporter


class TestHuggingFace(ExporterContract):
    @pytest.fixture
    def exporter_class(self) -> type[Exporter]:
        return HuggingFaceExporter


@pytest.mark.slow
class TestTorch(ExporterContract):
    # A recording takes seconds. These have every part that `models.scanned` replaces, and every way of `Deployable`.
    tried = (
        "classes of sequences with holes",
        "classes by every op",
        "classes by attention and memory",
        "classes by layers of several paces",
        "a forecast by an ensemble",
        "a language model",
    )

    @pytest.fixture
    def exporter_class(self) -> type[Exporter]:
        return TorchExporter


class TestC(ExporterContract):
    @pytest.fixture
    def exporter_class(self) -> type[Exporter]:
        return CExporter


TESTED = {"c", "genome", "huggingface", "native", "onnx", "python", "safetensors", "torch"}


def test_every_registered_format_is_held_against_the_contract() -> None:
    assert set(EXPORTERS) == TESTED, "give the format a class above, and its name here"
