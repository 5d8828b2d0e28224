"""What a search needs of this machine is looked at before it is missed."""

from __future__ import annotations

from pathlib import Path

import pytest

from evo_nas.cli import doctor
from tests.cli.test_commands import evo_nas_command


def test_doctor_finds_this_machine_fit(tmp_path: Path) -> None:
    result = evo_nas_command("doctor", tmp_path / "runs")
    assert result.exit_code == 0, result.output
    for subject in ("python", "torch", "ray", "cores", "memory", "device", "recurrence", "disk"):
        assert subject in result.output
    assert not (tmp_path / "runs").exists()


def test_doctor_fails_where_runs_cannot_be_written() -> None:
    result = evo_nas_command("doctor", "/proc/runs")
    assert result.exit_code == 1
    assert "cannot be written" in result.output


def test_doctor_fails_where_runs_would_be_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("mine")
    result = evo_nas_command("doctor", tmp_path / "runs")
    assert result.exit_code == 1
    assert "is a file" in result.output


def test_doctor_fails_for_a_library_that_cannot_be_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(doctor.LIBRARIES, "nothing-of-this-name", "json")
    result = evo_nas_command("doctor", tmp_path)
    assert result.exit_code == 1
    assert "nothing-of-this-name" in result.output
    assert "not installed; run `pip install evo-nas` again" in result.output


def test_doctor_fails_where_the_disk_is_nearly_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "FEWEST_FREE_BYTES", 2**80)
    assert evo_nas_command("doctor", tmp_path).exit_code == 1
