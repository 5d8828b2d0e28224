"""The rooms know only those below them, and importing loads no more than it must."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

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


def test_listing_runs_loads_nothing_that_trains() -> None:
    listed = "from evo_nas.cli import main\ntry: main(['runs', '/nowhere'])\nexcept SystemExit: pass\nprint()"
    assert not loaded_after(listed) & {"torch", "ray", "sklearn"}


def test_the_registry_of_strategies_loads_what_they_learn_with_only_when_one_is_built() -> None:
    heavy = {"torch", "botorch", "gpytorch", "ray", "sklearn"}
    assert not loaded_after("import evo_nas.strategies.registry") & heavy


RANKING = {"max", "min", "sorted", "sort", "nlargest", "nsmallest", "argmax", "argsort"}
COMPARABLE = {
    # Trials of one tuning, all from scratch; those that were trained longer come first.
    "champion/tuning.py",
}


def test_only_standings_rank_results() -> None:
    found = set()
    for path in (ROOT / "evo_nas").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
                if name in RANKING and "fitness" in ast.unparse(node):
                    found.add(str(path.relative_to(ROOT / "evo_nas")))
    assert found == COMPARABLE, "rank by evo_nas.evaluation.best_first, which knows what can be compared"


TRAINING = """
import numpy as np
from evo_nas.config import TrainingConfig
from evo_nas.genome.architecture import Architecture, Layer, Signature
from evo_nas.genome.cells import NAMED_CELLS
from evo_nas.tasks.metrics import ACCURACY
from evo_nas.tasks.dataset import Dataset, Objective, Sequences
from evo_nas.training.batches import prepare
from evo_nas.training.trainer import train
zeros = Sequences(np.zeros((4, 2, 1), dtype=np.float32), np.zeros(4, dtype=np.int64))
signature = Signature(features=1, outputs=2)
data = prepare(Dataset("zeros", signature, Objective.CROSS_ENTROPY, ACCURACY, zeros, zeros, zeros))
architecture = Architecture(layers=(Layer(NAMED_CELLS["mgu"], 2, dropout=0.1),))
assert not train(architecture, data, TrainingConfig(), epochs=1, seed=1).outcome.error
"""


def test_a_training_needs_neither_ray_nor_deap_and_loads_no_compiler() -> None:
    # Sympy comes with torch's compiler, which takes longer to import than a small network to train.
    assert not loaded_after(TRAINING) & {"ray", "deap", "sympy"}
