"""The rooms know only those below them, and importing loads no more than it must."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HEAVY = {"torch", "ray", "pyarrow", "deap", "pydantic", "numpy", "sklearn"}


def loaded_after(statement: str) -> set[str]:
    """Returns the top-level packages in ``sys.modules`` of a fresh process after ``statement``."""
    report = f"{statement}\nimport sys; print(*{{name.partition('.')[0] for name in sys.modules}})"
    ran = subprocess.run([sys.executable, "-c", report], capture_output=True, text=True, check=True)
    return set(ran.stdout.splitlines()[-1].split())


def test_rooms_keep_the_import_contracts() -> None:
    code = "from importlinter.cli import lint_imports; raise SystemExit(lint_imports(no_cache=True))"
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout


def test_importing_the_package_loads_nothing_heavy() -> None:
    assert not loaded_after("import evo_nas") & HEAVY


def test_help_loads_nothing_heavy() -> None:
    helped = "from evo_nas.cli import main\ntry: main(['--help'])\nexcept SystemExit: pass"
    assert not loaded_after(helped) & HEAVY


@pytest.mark.parametrize("room", ["models", "training"])
def test_networks_train_without_ray(room: str) -> None:
    loaded = loaded_after(f"import evo_nas.{room}")
    assert "ray" not in loaded
