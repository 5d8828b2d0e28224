"""Runs configs/enas.yaml on the first characters of its text, and tells what was found beside an LSTM.

    python -m benchmarks.enas [CHARACTERS [EVALUATIONS]]

It writes ``benchmarks/results/enas.md``. All trainings are made in this process, so that the same call gives the same.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from statistics import fmean

from scipy.stats import kendalltau

from benchmarks.table import Table, write
from evo_nas.api import load_config, search
from evo_nas.runs import Run
from evo_nas.strategies.from_scratch import FROM_SCRATCH

CONFIG = Path(__file__).parents[1] / "configs" / "enas.yaml"
WIDTH = 64


def main(characters: int, evaluations: int) -> None:
    """Searches, and writes the page."""
    whole = load_config(str(CONFIG))
    text = (whole.base_dir / str(whole.task["path"])).read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "text.txt").write_text(text[:characters], encoding="utf-8")
        config = whole.model_copy(
            update={
                "base_dir": Path(folder),
                "task": {**whole.task, "path": "text.txt"},
                "space": {**whole.space, "widths": [WIDTH]},
                "budget": whole.budget.model_copy(update={"evaluations": evaluations}),
            }
        )
        started = time.process_time()
        verdict = search(config, Path(folder) / "run", executor="inline")
        cpu_s = time.process_time() - started
        told = Run.at(Path(folder) / "run").history().told
    shared = {each.candidate.id: each.fitness for each in told if each.outcome.inherited_steps}
    scratch = [each for each in told if each.candidate.operator == FROM_SCRATCH and each.fitness is not None]
    pairs = [(shared[each.candidate.repeats or 0], each.fitness) for each in scratch]
    rows = [
        [name, f"{each.test:.3f} ± {each.spread:.3f}", f"{each.parameters:,}"]
        for name, each in (
            ("the found network", verdict.champion),
            *((each.name, each) for each in verdict.opponents),
        )
    ]
    rows += [[name, f"{score:.3f}", ""] for name, score in verdict.baselines.items()]
    tenth = max(1, len(shared) // 10)
    scores = [-score for score in shared.values() if score is not None]
    remarks = [
        f"{characters:,} characters of tinyshakespeare. {len(shared)} candidates began with shared weights and had one "
        f"epoch, {len(scratch)} of them were trained again from scratch for {verdict.epochs}.",
        f"Found: {verdict.champion.architecture}.",
        f"{verdict.sentence}",
        f"Mean validation loss by shared weights: {fmean(scores[:tenth]):.3f} of the first tenth, "
        f"{fmean(scores[-tenth:]):.3f} of the last.",
        f"Kendall's tau between shared weights and from scratch: {kendalltau(*zip(*pairs, strict=True))[0]:.2f} over "
        f"{len(pairs)} networks, the best by shared weights, which are hard to tell apart.",
        f"{cpu_s:.0f} CPU seconds, the trainings of the verdict included.",
    ]
    command = f"python -m benchmarks.enas {characters} {evaluations}"
    header = ("", "test loss in nats per character", "parameters")
    write(
        "enas", "ENAS on characters", [Table("The champion beside an LSTM", command, header, rows, remarks)]
    )


if __name__ == "__main__":
    main(*(int(each) for each in (sys.argv[1:] + ["60000", "100"][len(sys.argv) - 1 :])))
