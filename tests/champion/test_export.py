"""An export is there when it was compared with the model, or says that it was not; and nothing is there otherwise."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import evo_nas
from evo_nas.champion.champion import load_champion
from evo_nas.champion.export import export_network, write_export
from evo_nas.champion.exporters import registry
from evo_nas.champion.exporters.checking import (
    CheckResult,
    Unchecked,
    check_lengths,
    compare,
    largest_difference,
    runs,
    samples,
)
from evo_nas.champion.exporters.exporter import Exportable, Exporter, ExportOptions
from evo_nas.cli import main
from evo_nas.errors import ChampionError
from evo_nas.testing.champions import tiny_champion


class Constant(Exporter):
    """Weights of another model."""

    name = "constant"

    def files(self, champion: Exportable, options: ExportOptions) -> dict[str, bytes]:
        return {"folder/answer.txt": b"42"}

    def check(self, folder: Path, champion: Exportable, options: ExportOptions) -> CheckResult:
        assert (folder / "folder" / "answer.txt").read_bytes() == b"42"
        (folder / "leftover").touch()

        def constant(inputs, lengths):
            return np.full((len(inputs), champion.signature.outputs), 42.0)

        return compare(constant, runs(champion.model), samples(champion.signature), tolerance=1e-3)


class Absent(Constant):
    """What needs a program that is not here."""

    name = "absent"

    def check(self, folder: Path, champion: Exportable, options: ExportOptions) -> CheckResult:
        return Unchecked("gcc is absent; install it to compile the file")


@pytest.fixture
def formats() -> Iterator[None]:
    """Knows two more formats, and forgets them afterwards."""
    known = dict(registry._exporters)
    evo_nas.register_exporter(Constant)
    evo_nas.register_exporter(Absent)
    yield
    registry._exporters.clear()
    registry._exporters.update(known)


def test_what_differs_from_the_model_is_not_written(formats: None, tmp_path: Path) -> None:
    with pytest.raises(ChampionError, match=r"differ from the model's by .*; at most 0.001 is permitted"):
        write_export(tiny_champion("classes"), tmp_path / "out", kind="constant")
    assert not (tmp_path / "out").exists()


def test_what_cannot_be_run_here_is_written_and_said_to_be_unchecked(formats: None, tmp_path: Path) -> None:
    native = tmp_path / "native"
    write_export(tiny_champion("classes"), native)
    out = tmp_path / "out"
    result = CliRunner().invoke(main, ["export", str(native), "--out", str(out), "--format", "absent"])
    assert result.exit_code == 3, result.output
    assert "unchecked: gcc is absent" in result.output
    facts = json.loads((out / "manifest.json").read_text())
    assert facts["check"] == {
        "status": "unchecked",
        "reason": "gcc is absent; install it to compile the file",
    }
    assert (out / "folder" / "answer.txt").read_text() == "42"
    assert not (out / "leftover").exists(), "what a check leaves behind is no part of the export"


def test_an_altered_file_is_named_when_a_champion_is_loaded(tmp_path: Path) -> None:
    write_export(tiny_champion("classes"), tmp_path / "out")
    weights = tmp_path / "out" / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    with pytest.raises(ChampionError, match=r"model\.safetensors was altered after the export"):
        load_champion(tmp_path / "out")


def test_a_manifest_that_names_a_file_elsewhere_is_refused(tmp_path: Path) -> None:
    write_export(tiny_champion("classes"), tmp_path / "out")
    path = tmp_path / "out" / "manifest.json"
    facts = json.loads(path.read_text())
    path.write_text(json.dumps({**facts, "files": {"../elsewhere": "0"}}))
    with pytest.raises(ChampionError, match="lies outside the folder"):
        load_champion(tmp_path / "out")


def test_an_option_that_a_format_does_not_take_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ChampionError, match="format native does not take --int8; leave it out"):
        write_export(tiny_champion("classes"), tmp_path / "out", options=ExportOptions(int8=True))


def test_every_format_has_a_line_in_the_list() -> None:
    listed = CliRunner().invoke(main, ["export", "--list"])
    assert listed.exit_code == 0
    assert all(f"  {name} " in listed.output for name in registry.EXPORTERS)


def test_a_name_that_is_taken_is_refused(formats: None) -> None:
    class Other(Constant):
        """Another one."""

    with pytest.raises(
        ChampionError, match=r"Other.name is 'constant', which .*Constant has; choose another"
    ):
        evo_nas.register_exporter(Other)


def test_the_preparation_of_music_is_told_by_formats_that_only_describe(tmp_path: Path) -> None:
    native, out = tmp_path / "native", tmp_path / "out"
    write_export(tiny_champion("labels of every step"), native)
    export_network(native, out, kind="genome")
    facts = json.loads((out / "genome.json").read_text())
    assert facts["preparation"]["inputs"] == {"keys": 4, "kind": "keys"}


def test_an_export_without_weights_is_no_champion_and_says_so(tmp_path: Path) -> None:
    write_export(tiny_champion("classes"), tmp_path / "out", kind="genome")
    with pytest.raises(
        ChampionError, match="out is an export in the format genome, which has no weights; give"
    ):
        load_champion(tmp_path / "out")


def test_lengths_are_one_a_usual_one_and_one_beyond_training() -> None:
    signature = tiny_champion("classes").signature
    assert check_lengths(signature) == (1, 6, 10)


def test_differences_are_relative_to_large_values_and_leave_padding_out() -> None:
    wanted = np.array([[[1e6], [np.nan]], [[0.5], [7.0]]])
    found = np.array([[[1e6 + 10], [np.nan]], [[0.5], [0.0]]])
    assert largest_difference(found, wanted, lengths=np.array([2, 1])) == pytest.approx(1e-5)
    assert largest_difference(found, wanted) == 1.0
    assert largest_difference(found, np.full_like(found, np.inf)) == np.inf
