"""The export to ONNX: a file that runs without torch, its options, and what is said where a package is absent."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

from evo_nas.champion.export import write_export
from evo_nas.champion.exporters.checking import Checked, Unchecked
from evo_nas.champion.exporters.exporter import ExportOptions
from evo_nas.errors import ChampionError
from evo_nas.testing.champions import tiny_champion
from tests.champion.exporters.onnx.running import onnx

from evo_nas.champion.exporters.onnx.builder import FLOAT, GraphBuilder  # isort: skip
from evo_nas.champion.exporters.onnx import exporter  # isort: skip - where onnx is absent, nothing is left

WITHOUT_TORCH = """
import sys

class Refusing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "evo_nas", "onnx"):
            raise ImportError(name)

sys.meta_path.insert(0, Refusing())
import numpy as np
import onnxruntime

session = onnxruntime.InferenceSession(sys.argv[1])
probabilities, label = session.run(["probabilities", "label"], {"inputs": np.full((2, 5, 2), 9.0, np.float32)})
print(probabilities.shape, *label)
"""


def test_a_file_runs_where_neither_torch_nor_this_package_is(tmp_path) -> None:
    write_export(tiny_champion("classes"), tmp_path / "out", kind="onnx")
    arguments = [sys.executable, "-c", WITHOUT_TORCH, str(tmp_path / "out" / "model.onnx")]
    said = subprocess.run(arguments, capture_output=True, text=True, check=True, timeout=120).stdout.split(
        ") "
    )
    assert said[0] == "(2, 3"
    assert set(said[1].split()) <= {"low", "middle", "high"}


@pytest.mark.parametrize("name", ["classes of texts"])
def test_weights_of_8_bits_make_a_file_smaller_and_the_manifest_tells_what_they_change(
    name, tmp_path
) -> None:
    plain = write_export(tiny_champion(name), tmp_path / "plain", kind="onnx").check
    small = write_export(
        tiny_champion(name), tmp_path / "small", kind="onnx", options=ExportOptions(int8=True)
    ).check
    assert isinstance(plain, Checked)
    assert isinstance(small, Checked)
    assert plain.difference < small.difference <= small.tolerance
    facts = json.loads((tmp_path / "small" / "manifest.json").read_text())
    assert facts["options"] == {"int8": True}
    assert facts["check"]["difference"] == small.difference


def test_weights_of_8_bits_that_change_a_forecast_too_much_are_refused(tmp_path) -> None:
    champion = tiny_champion(
        "a forecast of quantiles"
    )  # its weights are random and large, unlike trained ones
    with pytest.raises(ChampionError, match="differ from the model's by"):
        write_export(champion, tmp_path / "out", kind="onnx", options=ExportOptions(int8=True))
    assert not (tmp_path / "out").exists()


def test_matrices_of_8_bits_take_a_quarter_of_the_room() -> None:
    sizes = {}
    for int8 in (False, True):
        graph = GraphBuilder(int8=int8)
        values = graph.input("inputs", FLOAT, ["batch", 200])
        matrix = np.random.default_rng(0).standard_normal((200, 100)).astype(np.float32)
        graph.output(values @ matrix, "outputs", FLOAT, ["batch", 100])
        sizes[int8] = graph.model("product", "", {}).ByteSize()
    assert sizes[True] < 0.3 * sizes[False]


def test_later_operators_are_written_where_they_are_asked_for(tmp_path) -> None:
    write_export(tiny_champion("classes"), tmp_path / "out", kind="onnx", options=ExportOptions(opset=20))
    assert onnx.load(tmp_path / "out" / "model.onnx").opset_import[0].version == 20


def test_operators_that_are_too_old_are_refused(tmp_path) -> None:
    with pytest.raises(ChampionError, match="opset is 11; must be 18 to"):
        write_export(tiny_champion("classes"), tmp_path / "out", kind="onnx", options=ExportOptions(opset=11))


def test_without_onnxruntime_the_export_is_written_and_marked_unchecked(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(exporter, "find_spec", lambda name: None if name == "onnxruntime" else name)
    export = write_export(tiny_champion("classes"), tmp_path / "out", kind="onnx")
    assert isinstance(export.check, Unchecked)
    assert "onnxruntime is absent" in export.check.reason
    assert (tmp_path / "out" / "model.onnx").exists()


def test_without_the_package_onnx_the_message_says_what_to_install(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(exporter, "find_spec", lambda name: None)
    with pytest.raises(ChampionError, match=r"needs the package onnx; pip install 'evo-nas\[onnx\]'"):
        write_export(tiny_champion("classes"), tmp_path / "out", kind="onnx")


@pytest.mark.parametrize("streaming", [False, True])
def test_a_graph_whose_labels_are_not_its_likeliest_classes_is_refused(
    streaming: bool, tmp_path, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = GraphBuilder.node

    def wrong(graph: GraphBuilder, kind: str, *inputs, **attributes):
        return node(graph, {"ArgMax": "ArgMin"}.get(kind, kind), *inputs, **attributes)

    monkeypatch.setattr(GraphBuilder, "node", wrong)
    with pytest.raises(ChampionError, match="the output label of the graph is not the likeliest class"):
        write_export(
            tiny_champion("classes"), tmp_path, kind="onnx", options=ExportOptions(streaming=streaming)
        )
