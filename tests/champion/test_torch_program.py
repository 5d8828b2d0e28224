"""A program of torch.export runs where evo-nas is not installed, at any batch and time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from evo_nas.champion.champion import Champion
from evo_nas.champion.deployable import Deployable
from evo_nas.champion.export import write_export
from evo_nas.champion.exporters.checking import runs
from evo_nas.champion.exporters.raw_checking import compare_answers, raw_samples
from evo_nas.testing.champions import RECIPES, tiny_champion

ALONE = """
import sys
sys.modules["evo_nas"] = None  # importing it is an error from here on
import torch
program = torch.export.load(sys.argv[1]).module()
for batch, time in ((1, 1), (2, 30)):
    answers = program(torch.full((batch, time, 2), 9.0), torch.full((batch,), time))
    assert answers.shape == (batch, 3), answers.shape
    assert torch.allclose(answers.sum(-1), torch.ones(batch))
print("ran")
"""


@pytest.mark.parametrize("name", RECIPES)
def test_a_deployable_answers_raw_inputs_as_preparation_and_model_do(name: str) -> None:
    champion = tiny_champion(name)
    deployable = Deployable(champion.model, champion.preparation, champion.link)

    def run(inputs, lengths):  # type: ignore[no-untyped-def]
        ends = np.full(len(inputs), inputs.shape[1]) if lengths is None else lengths
        return runs(deployable)(inputs, ends)  # type: ignore[arg-type]

    compare_answers(run, champion, tolerance=1e-5)


def test_a_deployable_gives_the_probabilities_that_a_champion_gives() -> None:
    champion = tiny_champion("classes of sequences with holes")
    raw = next(sample for sample in raw_samples(champion) if len(sample.inputs) == 3).inputs
    deployable = Deployable(champion.model, champion.preparation, champion.link)
    found = runs(deployable)(raw, np.full(3, raw.shape[1]))  # type: ignore[arg-type]
    wanted = Champion(champion.model, champion.preparation).predict_proba(list(raw))
    np.testing.assert_allclose(found, wanted, atol=1e-6)


@pytest.mark.slow
def test_a_program_runs_with_torch_alone(tmp_path: Path) -> None:
    write_export(tiny_champion("classes"), tmp_path / "out", kind="torch")
    ran = subprocess.run(
        [sys.executable, "-c", ALONE, str(tmp_path / "out" / "model.pt2")],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert ran.stdout.strip() == "ran", ran.stderr
