"""``evo-nas data`` shows how files were understood."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from evo_nas.cli import main

TEXTS = "\n".join(f"{'wet' if n % 2 else 'dry'} {n} {'wind ' * (1 + n % 6)}" for n in range(60))


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "weather.txt").write_text(TEXTS)
    path = tmp_path / "weather.yaml"
    path.write_text("name: weather\ntask: {kind: text_classification, path: weather.txt}\n")
    return path


def shown(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["data", *map(str, arguments)])


def test_what_was_understood_is_shown(config: Path) -> None:
    result = shown(config)
    assert result.exit_code == 0, result.output
    for expected in (
        "its first word is the label",
        "2 to 7",
        "wet",
        "search optimises accuracy, higher is better",
        "predict one of 2 classes at the end",
        "→ dry",
        "majority",
    ):
        assert expected in result.output


def test_baselines_can_be_left_out(config: Path) -> None:
    assert "majority" not in shown(config, "--no-baselines").output


def test_baselines_that_come_too_late_are_named_with_the_limit(config: Path) -> None:
    output = " ".join(shown(config, "--baseline-limit", "0").output.split())
    assert "majority" in output
    assert "not fitted within the limit of 0 s" in output
    assert "-1.0 is not in the range" in " ".join(shown(config, "--baseline-limit", "-1").output.split())


def test_machines_read_the_same(config: Path) -> None:
    fields = json.loads(shown(config, "--json").output)
    assert fields["parts"] == {
        "train": {"examples": 42, "shortest": 2, "longest": 7},
        "validation": {"examples": 6, "shortest": 2, "longest": 7},
        "test": {"examples": 12, "shortest": 2, "longest": 7},
    }
    assert fields["classes"] == {"dry": [21, 3, 6], "wet": [21, 3, 6]}
    assert fields["baselines"]["majority"]["score"] == 0.5


@pytest.fixture
def holey(tmp_path: Path) -> Path:
    """Four columns, of which ``note`` misses 30 values and ``x`` one."""
    rows = [f"{n},{'' if n % 2 else 'fine'},{n % 7},{'up' if n % 3 else 'down'}" for n in range(60)]
    (tmp_path / "holes.csv").write_text("\n".join(["t,note,x,label", *rows[:-1], "59,,,up"]))
    path = tmp_path / "holes.yaml"
    path.write_text("name: holes\ntask: {kind: classification, path: holes.csv, inputs: [t]}\n")
    return path


def test_missing_values_are_counted_column_by_column(holey: Path) -> None:
    assert json.loads(shown(holey, "--json").output)["missing"] == {"t": 0, "note": 30, "x": 1, "label": 0}
    output = " ".join(shown(holey, "--no-baselines").output.split())
    assert "missing values: note 30, x 1; none that a network reads is missing or infinite" in output


def test_a_missing_value_that_would_be_read_is_refused_with_all_counts(holey: Path) -> None:
    result = shown(holey, "--set", "task.inputs=[t, x]")
    assert result.exit_code == 2
    message = " ".join(result.output.split())
    assert "row 61, column 'x': the value is missing" in message
    assert "Missing of 60 rows: note 30, x 1" in message


@pytest.mark.parametrize("kind", ["adding", "copy_memory", "sines", "standard_library", "digits"])
def test_every_shape_of_data_has_a_view(kind: str, config: Path) -> None:
    config.write_text(f"name: drawn\ntask: {{kind: {kind}}}\n")
    result = shown(config, "--no-baselines")
    assert result.exit_code == 0, result.output
    assert "validation" in result.output


def test_a_file_that_is_not_there_is_one_line(config: Path) -> None:
    result = shown(config, "--set", "task.path=nowhere.txt")
    assert result.exit_code == 2
    assert "nowhere.txt cannot be read: No such file or directory; check the path" in result.output
