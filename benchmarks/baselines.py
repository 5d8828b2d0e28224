"""Measures the baselines of sequences beside published figures.

    python -m benchmarks.baselines configured           on the classifications and forecasts in configs/
    python -m benchmarks.baselines archive FOLDER       on NAME/NAME_TRAIN.ts and NAME_TEST.ts in a folder
    python -m benchmarks.baselines report               the tables alone

Run from the root of the repository. Data lie where the configurations say, or where EVO_NAS_DATA says; the folder of
the package aeon with its data sets is ``aeon/datasets/data``. Each command ends by writing
``benchmarks/results/baselines.md`` from all that was measured so far. One process, one thread.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.table import RESULTS, Table, write
from evo_nas.cli.formatting import figure
from evo_nas.config import SearchConfig, checked, load_config
from evo_nas.experiment import Experiment

if TYPE_CHECKING:
    from collections.abc import Mapping

CONFIGS = Path(__file__).parent.parent / "configs"
MEASURED = RESULTS / "baselines"
SEVEN = ("task.targets=[HUFL, HULL, MUFL, MULL, LUFL, LULL, OT]", "task.horizon=96")
CONFIGURED = {
    "pendigits": ("pendigits", ()),
    "JapaneseVowels": ("japanese_vowels", ()),
    "trec": ("trec", ()),
    "promoters": ("promoters", ()),
    "ETTh1, oil temperature, 24 steps": ("etth1", ()),
    "ETTh1, all seven, 96 steps": ("etth1", SEVEN),
}
ARCHIVE = ("ACSF1", "ArrowHead", "BasicMotions", "GunPoint", "ItalyPowerDemand", "OSULeaf")
PUBLISHED = {
    "pendigits": "ROCKET .982, TimesNet .989, MambaSL .993",
    "JapaneseVowels": "DTW .959, HC2 .984, MambaSL .986",
    "trec": "CNN-rand .912",
    "ETTh1, oil temperature, 24 steps": "LSTMa .114",
    "ETTh1, all seven, 96 steps": "SegRNN .368",
    "ACSF1": "HC2 .910, InceptionTime .910",
    "ArrowHead": "HC2 .869, InceptionTime .863",
    "BasicMotions": "1.00 for most",
    "GunPoint": "HC2 1.00, InceptionTime 1.00",
    "ItalyPowerDemand": "HC2 .970, InceptionTime .966",
    "OSULeaf": "HC2 .967, InceptionTime .921",
}
AEON = RESULTS / "baselines-aeon.json"
"""What `benchmarks/aeon_minirocket.py` has measured."""
REMARKS = (
    "The test part is the given one; baselines learn from the training part alone, as networks do.",
    "ACSF1, ArrowHead, BasicMotions, GunPoint, ItalyPowerDemand and OSULeaf were measured on another machine, an AMD "
    "EPYC, when baselines learnt from the validation part, too, which is the whole file, as for the published figures "
    "and for aeon; `python -m benchmarks.baselines archive FOLDER` measures them anew, without the fifth of it that is "
    "held out.",
    "Published: deep networks and ensembles; those of ACSF1, ArrowHead, GunPoint, ItalyPowerDemand and OSULeaf are the "
    "first resample of the results that aeon ships.",
    "aeon's MiniRocket on the same split and machine, by `python benchmarks/aeon_minirocket.py`: the mean of three "
    "seeds, and the CPU seconds of one of them without compiling. It compiles its loops by numba; ours is numpy alone.",
    "Random convolutions are 1 point below ROCKET on pendigits: 8 steps are fewer than a kernel has weights, and of "
    "7,494 sequences 2,000 features are learnt from instead of 20,000, so that the regression takes seconds.",
    "ETTh1, all seven: the ridge regressions on all columns have 672 inputs and follow the training months; one map "
    "for all columns does not, as is known of DLinear (Zeng et al., 2023).",
)


def main(command: str, *folders: str) -> None:
    MEASURED.mkdir(exist_ok=True)
    if command == "configured":
        for name, (config, changes) in CONFIGURED.items():
            measure(name, Experiment.of(load_config(CONFIGS / f"{config}.yaml", (*overrides(), *changes))))
    elif command == "archive":
        for name in ARCHIVE:
            path = Path(folders[0]).resolve() / name / name
            files = {"path": f"{path}_TRAIN.ts", "test_path": f"{path}_TEST.ts"}
            split = {"validation": 0.2, "duplicates": "keep"}
            task = {"kind": "classification", "split": split, **files}
            measure(name, Experiment.of(checked(SearchConfig, {"name": name.lower(), "task": task})))
    elif command != "report":
        raise SystemExit(__doc__)
    report()


def overrides() -> tuple[str, ...]:
    folder = os.environ.get("EVO_NAS_DATA")
    return (f"base_dir={folder}",) if folder else ()


def measure(name: str, experiment: Experiment) -> None:
    results = experiment.prepared.fit_baselines()
    values = {
        "metric": experiment.dataset.metric.name,
        "results": {each: asdict(result) for each, result in results.items()},
    }
    file = f"{name.replace(', ', '-').replace(' ', '_')}.json"
    (MEASURED / file).write_text(json.dumps({"name": name, **values}, indent=1) + "\n", encoding="utf-8")
    print(name, values["results"])


def report() -> None:
    measured = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(MEASURED.glob("*.json"))]
    aeon = json.loads(AEON.read_text(encoding="utf-8")) if AEON.exists() else {}
    rows = [row for values in measured for row in _rows(values, aeon)]
    table = Table(
        "Baselines of sequences, texts and series, by test score",
        "python -m benchmarks.baselines configured; python -m benchmarks.baselines archive FOLDER",
        ["data", "baseline", "test score", "CPU s", "note", "published", "MiniRocket of aeon"],
        rows,
        REMARKS,
    )
    write("baselines", "Baselines beside published figures", [table] if rows else [])


def _rows(values: Mapping[str, object], aeon: Mapping[str, str]) -> list[list[str]]:
    name, results = str(values["name"]), values["results"]
    assert isinstance(results, dict)
    rows = []
    for baseline, result in results.items():
        score = "-" if result["score"] is None else figure(result["score"])
        # Facts about the data stand once, beside the first of its rows.
        about = (
            ["", "", ""]
            if rows
            else [f"{name}, {values['metric']}", PUBLISHED.get(name, ""), aeon.get(name, "")]
        )
        rows.append([about[0], baseline, score, f"{result['cpu_s']:.1f}", result["note"], *about[1:]])
    return rows


if __name__ == "__main__":
    main(*sys.argv[1:])
