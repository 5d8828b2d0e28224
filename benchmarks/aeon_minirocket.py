"""MiniRocket of the package aeon on the data sets that it ships, beside which `benchmarks.baselines` shows ours.

    pip install aeon && python benchmarks/aeon_minirocket.py

needs aeon and nothing of evo-nas; what it measures is kept in ``benchmarks/results/baselines-aeon.json``.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from pathlib import Path

KEPT = Path(__file__).parent / "results" / "baselines-aeon.json"
SEEDS = (0, 1, 2)


def main(*names: str) -> None:
    from aeon.classification.convolution_based import MiniRocketClassifier  # noqa: PLC0415 - not among our own
    from aeon.datasets import load_classification  # noqa: PLC0415

    measured = {}
    for name in names:
        train, classes = load_classification(name, split="train")
        test, wanted = load_classification(name, split="test")
        MiniRocketClassifier(random_state=0).fit(train[:20], classes[:20])  # compiles
        scores, begun = [], time.process_time()
        for seed in SEEDS:
            model = MiniRocketClassifier(random_state=seed).fit(train, classes)
            scores.append(float((model.predict(test) == wanted).mean()))
        seconds = (time.process_time() - begun) / len(SEEDS)
        measured[name] = f"{statistics.fmean(scores):.4f}, {seconds:.1f} s"
        print(name, measured[name])
    KEPT.write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(*(sys.argv[1:] or ("ACSF1", "ArrowHead", "BasicMotions", "GunPoint", "ItalyPowerDemand", "OSULeaf")))
