"""``evo-nas init`` writes a configuration that can be read, and says what it could not find out."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from evo_nas.cli import main
from evo_nas.config import load_config
from evo_nas.drafts import Draft, Line
from evo_nas.experiment import Experiment
from evo_nas.views.drafting import readable

DATA = Path(__file__).parents[3] / "shared" / "data"


def init(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["init", *map(str, arguments)])


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A table of a series by the hour with two gaps."""
    monkeypatch.chdir(tmp_path)
    values = np.random.default_rng(0).normal(size=400).cumsum()
    hours = [hour for hour in range(402) if hour not in {50, 51}]
    rows = [
        f"{np.datetime64('2024-01-01T00') + hour},{value}" for hour, value in zip(hours, values, strict=True)
    ]
    path = tmp_path / "Power Plant.csv"
    path.write_text("\n".join(["when,load", *rows]))
    return path


def test_the_draft_is_read_and_every_guess_has_its_reason(table: Path) -> None:
    result = init(table.name)
    assert result.exit_code == 0, result.output
    assert "power-plant.yaml is a draft for forecast: rows have a time" in result.output
    assert result.output.endswith("evo-nas data power-plant.yaml\n")
    text = Path("power-plant.yaml").read_text(encoding="utf-8")
    assert (
        "  # some steps have no row: their values count as missing. Or: fill draws lines, keep\n  gaps: mask\n"
        in text
    )
    config = load_config("power-plant.yaml")
    assert config.task | {"time": "when", "targets": ["load"], "season": 24} == config.task
    assert len(Experiment.of(config).dataset.train) > 100
    shown = CliRunner().invoke(main, ["data", "power-plant.yaml", "--no-baselines"])
    assert shown.exit_code == 0, shown.output


def test_nothing_is_overwritten(table: Path) -> None:
    (table.parent / "mine.yaml").write_text("precious")
    result = init(table, "--out", "mine.yaml")
    assert result.exit_code == 2
    assert "mine.yaml is there already and is not overwritten; name another file with --out" in result.stderr
    assert (table.parent / "mine.yaml").read_text() == "precious"


def test_a_dash_prints_the_draft_and_nothing_else(table: Path) -> None:
    result = init(table, "--out", "-")
    assert result.stdout.startswith("# Drafted by `evo-nas init` from Power Plant.csv.\n")
    assert result.stdout.endswith("evaluations: 120\n")
    assert list(table.parent.iterdir()) == [table]


def test_paths_are_relative_to_the_configuration(table: Path) -> None:
    (table.parent / "configs").mkdir()
    assert init(table, "--out", "configs/a.yaml").exit_code == 0
    assert load_config("configs/a.yaml").task["path"] == "../Power Plant.csv"
    assert Experiment.of(load_config("configs/a.yaml")).dataset.name == "forecast of load"


def test_a_kind_that_does_not_exist_is_refused_before_anything_is_read(table: Path) -> None:
    result = init("nowhere.csv", "--task", "forcast")
    assert result.exit_code == 2
    assert "--task is forcast; did you mean forecast?" in result.stderr


def test_a_draft_of_data_that_cannot_be_read_is_written_with_what_is_wrong(table: Path) -> None:
    table.write_text("when,load\n" + "\n".join(f"2024-01-{day:02},{day}" for day in range(1, 7)))
    result = init(table)
    assert result.exit_code == 2
    assert "error: " in result.stderr
    assert "Traceback" not in result.output
    assert load_config("power-plant.yaml").task["kind"] == "forecast"


def test_only_the_remedies_that_lead_further_are_taken(tmp_path: Path) -> None:
    rows = [f"{n % 7},{n % 5},{'up' if n % 2 else 'down'}" for n in range(200)]
    (tmp_path / "a.csv").write_text("\n".join(["a,b,label", *rows]))
    lines = (Line("path", "a.csv"), Line("split", {"test": 0.2}))
    remedies = (Line("features", 2), Line("split", {"duplicates": "keep"}), Line("features", 1))
    draft = readable(Draft("classification", 3, "", lines, 200, remedies=remedies), tmp_path)
    assert {line.key: line.value for line in draft.lines} == {
        "path": "a.csv",
        "split": {"duplicates": "keep"},
    }


def test_names_of_the_users_stay_what_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    odd = "[x]: # größer"
    rows = [f"{n * n},{n % 7},{'up' if n % 3 else 'down'}" for n in range(200)]
    (tmp_path / f"{odd}.csv").write_text("\n".join([f'"a\n# {odd}",b,"{odd}"', *rows]), encoding="utf-8")
    result = init(f"{odd}.csv", "--out", "odd.yaml")
    assert result.exit_code == 0, result.output
    assert load_config("odd.yaml").task["label"] == odd
    assert load_config("odd.yaml").task["path"] == f"{odd}.csv"


@pytest.mark.skipif(not DATA.is_dir(), reason=f"{DATA} is not there")
@pytest.mark.parametrize(
    ("files", "kind"),
    [
        (("pendigits/pendigits.arff",), "classification"),
        (("etth1/ETTh1.csv",), "forecast"),
        (("trec/TREC.train.all", "trec/TREC.test.all"), "text_classification"),
        (
            ("japanese_vowels/JapaneseVowels_TRAIN.ts", "japanese_vowels/JapaneseVowels_TEST.ts"),
            "classification",
        ),
        (("promoters/Ecoli_prom.fa", "promoters/Ecoli_non_prom.fa"), "text_classification"),
        (("series/daily-min-temperatures.csv",), "forecast"),
        (("jsb/JSB_Chorales.mat",), "multi_label"),
    ],
)
def test_published_data_can_be_searched_without_a_key_by_hand(tmp_path, monkeypatch, files, kind) -> None:
    monkeypatch.chdir(tmp_path)
    result = init(*(DATA / file for file in files), "--out", "a.yaml")
    assert result.exit_code == 0, result.output
    config = load_config("a.yaml")
    assert config.task["kind"] == kind
    assert all(len(part) for part in Experiment.of(config).dataset.parts.values())


def test_a_folder_stands_for_its_files(table: Path) -> None:
    shutil.move(table, table.parent / "one.csv")
    folder = table.parent / "runs"
    folder.mkdir()
    header, *rows = (table.parent / "one.csv").read_text().splitlines()
    for name, some in (("one.csv", rows[: len(rows) // 2]), ("two.csv", rows[len(rows) // 2 :])):
        (folder / name).write_text("\n".join([header, *some]) + "\n")
    assert init("runs").exit_code == 0
    assert load_config("runs.yaml").task["path"] == ["runs/one.csv", "runs/two.csv"]
