"""The laws of `evo_nas.champion.exporters.exporter.Exporter` as tests."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from evo_nas.champion.export import write_export
from evo_nas.champion.exporters.checking import Checked, Unchecked, check_lengths
from evo_nas.champion.exporters.exporter import PLAIN, Exporter, ExportOptions
from evo_nas.champion.exporters.manifest import MANIFEST_FILE, verify
from evo_nas.champion.exporters.registry import register_exporter, summary_of
from evo_nas.errors import ChampionError
from evo_nas.testing.champions import RECIPES, tiny_champion

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


class ExporterContract:
    """The tests that every export format passes; a subclass overrides the fixture ``exporter_class``.

    ::

        class TestMyExporter(ExporterContract):
            refuses = {"classes by attention and memory": "attention"}

            @pytest.fixture
            def exporter_class(self):
                return MyExporter

    Attributes:
        options: What is asked of the format.
        tried: The champions of `evo_nas.testing.champions.RECIPES` that are exported; fewer than all where a format is
            slow, as long as they have every block that it treats in its own way.
        refuses: The champions of `evo_nas.testing.champions.RECIPES` that it cannot express, with a pattern of the
            block that its message names.
    """

    options: ExportOptions = PLAIN
    tried: Sequence[str] = tuple(RECIPES)
    refuses: Mapping[str, str] = {}

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Lets a test that takes a ``recipe`` run once for each champion that is tried."""
        if "recipe" in metafunc.fixturenames:
            metafunc.parametrize("recipe", self.tried)

    @pytest.fixture
    def exporter_class(self) -> type[Exporter]:
        """The format that is tested."""
        raise NotImplementedError("override the fixture exporter_class, so that it returns your exporter")

    def test_it_has_a_name_and_a_line_for_the_list_of_formats(self, exporter_class: type[Exporter]) -> None:
        assert re.fullmatch(r"[a-z][a-z0-9_]*", exporter_class.name)
        assert summary_of(exporter_class()).endswith(".")
        assert exporter_class.takes <= set(ExportOptions.__dataclass_fields__)

    def test_an_export_gives_the_outputs_of_the_model(
        self, exporter_class: type[Exporter], recipe: str, tmp_path: Path
    ) -> None:
        register_exporter(exporter_class)
        champion, out = tiny_champion(recipe), tmp_path / "out"
        if recipe in self.refuses:
            with pytest.raises(ChampionError, match=self.refuses[recipe]):
                write_export(champion, out, kind=exporter_class.name, options=self.options)
            assert not out.exists()
            return
        export = write_export(champion, out, kind=exporter_class.name, options=self.options)
        if isinstance(export.check, Unchecked):
            pytest.skip(export.check.reason)
        assert isinstance(export.check, Checked)
        assert export.check.difference <= export.check.tolerance <= 1e-3
        assert set(check_lengths(champion.signature)) <= set(export.check.lengths)
        assert len(export.check.batches) > 1 or self.options.streaming

    def test_every_file_is_in_the_manifest_and_a_change_is_found(
        self, exporter_class: type[Exporter], tmp_path: Path
    ) -> None:
        register_exporter(exporter_class)
        export = write_export(
            tiny_champion("classes"), tmp_path / "out", kind=exporter_class.name, options=self.options
        )
        facts = json.loads((tmp_path / "out" / MANIFEST_FILE).read_text())
        written = {str(path.relative_to(tmp_path / "out")) for path in export.files} - {MANIFEST_FILE}
        assert set(facts["files"]) == written
        verify(tmp_path / "out")
        for name in written:
            content = (tmp_path / "out" / name).read_bytes()
            (tmp_path / "out" / name).write_bytes(content + b"\n")
            with pytest.raises(ChampionError, match=f"{re.escape(name)} was altered"):
                verify(tmp_path / "out")
            (tmp_path / "out" / name).unlink()
            with pytest.raises(ChampionError, match=f"{re.escape(name)} is missing"):
                verify(tmp_path / "out")
            (tmp_path / "out" / name).write_bytes(content)
