"""The data sets on which building blocks and champions are judged, and other cuts of them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evo_nas.config import configured, load_config
from evo_nas.experiment import Experiment

if TYPE_CHECKING:
    from collections.abc import Mapping

CONFIGS = Path(__file__).parent.parent / "configs"


@dataclass(frozen=True)
class DataSet:
    """Data, and how networks are trained on them.

    Attributes:
        config: Name of a file in ``configs/``, or its content.
        changes: Overrides of it, each ``dotted.key=value``.
        cuts: Overrides that divide the data in another way, or draw them anew.
        cut_as: What the cuts are, in a few words.
    """

    config: str | Mapping[str, Any]
    changes: tuple[str, ...] = ()
    cuts: tuple[tuple[str, ...], ...] = ()
    cut_as: str = ""

    def experiment(self, *more: str) -> Experiment:
        """Returns the experiment with further overrides; ``EVO_NAS_DATA`` says where the data lie."""
        changes = (*self.changes, *more)
        if isinstance(self.config, str):
            folder = os.environ.get("EVO_NAS_DATA")
            at = (f"base_dir={folder}",) if folder else ()
            return Experiment.of(load_config(CONFIGS / f"{self.config}.yaml", (*at, *changes)))
        return Experiment.of(configured(self.config, changes))


def _drawn(key: str) -> tuple[tuple[str, ...], ...]:
    return tuple((f"{key}={seed}",) for seed in (101, 102, 103, 104, 105))


def _package_file(package: str, *parts: str) -> str:
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise SystemExit(f"the package {package}, which ships the data, is not installed")
    return str(Path(spec.origin).parent.joinpath(*parts))


def _language(language: str) -> dict[str, Any]:
    return {
        "name": language,
        "task": {
            "kind": "formal_language",
            "language": language,
            "train_length": 40,
            "validation_length": 80,
            "test_length": 1000,
        },
        "space": {"layers": {"max": 1}, "widths": [16, 24, 32, 48], "embeddings": [8, 16]},
        "training": {"epochs": 40, "schedule": "cosine"},
    }


SEVEN = ("task.targets=[HUFL, HULL, MUFL, MULL, LUFL, LULL, OT]", "task.inputs=null", "task.horizon=96")
LAST_MONTHS = (("task.split=[11520, 2880, 3020]",),)
DRAWN = "drawn anew, training and test"
VALIDATION = "training and validation drawn anew"
LATER = "the 4 months after the published ones"
MNIST_1D = {
    "name": "mnist1d",
    "task": {"kind": "mnist1d"},
    "space": {"widths": [24, 32, 48, 64], "batch_sizes": [16, 32], "bidirectional": True},
    "training": {"epochs": 20, "schedule": "cosine"},
}
SUNSPOTS = {
    "name": "sunspots",
    "task": {
        "kind": "forecast",
        "targets": ["SUNACTIVITY"],
        "inputs": ["SUNACTIVITY"],
        "window": 24,
        "horizon": 1,
        "split": [0.52, 0.15, 0.33],
        "metric": "rmse",
    },
    "space": {"layers": {"max": 1}, "widths": [4, 8, 16, 24], "batch_sizes": [8, 16], "heads": [0]},
    "training": {"epochs": 40, "schedule": "cosine"},
}
DATA_SETS = {
    "airline": DataSet("series"),
    "sunspots": DataSet(
        SUNSPOTS, (f"task.path={_package_file('statsmodels', 'datasets', 'sunspots', 'sunspots.csv')}",)
    ),
    "japanese_vowels": DataSet("japanese_vowels", (), _drawn("task.split.seed"), VALIDATION),
    "digits": DataSet(
        "quickstart", ("training.epochs=24", "training.schedule=cosine"), _drawn("task.seed"), DRAWN
    ),
    "etth1": DataSet("etth1", (), LAST_MONTHS, LATER),
    "etth1_seven": DataSet("etth1", SEVEN, LAST_MONTHS, LATER),
    "pendigits": DataSet("pendigits", (), _drawn("task.split.seed"), VALIDATION),
    "coal": DataSet("coal", ("training.epochs=4", "task.stride=8")),
    "trec": DataSet("trec", ("training.epochs=4",), _drawn("task.split.seed"), VALIDATION),
    "promoters": DataSet("promoters", ("training.epochs=6",), _drawn("task.split.seed"), DRAWN),
    "mnist1d": DataSet(MNIST_1D, (), _drawn("task.seed"), DRAWN),
    "jsb": DataSet("jsb", ("training.epochs=24",)),
    "tinyshakespeare": DataSet("tinyshakespeare", ("training.epochs=1", "space.batch_sizes=[16, 32, 64]")),
    "anbncn": DataSet(_language("anbncn"), (), _drawn("task.seed"), DRAWN),
    "addition": DataSet(_language("addition"), (), _drawn("task.seed"), DRAWN),
}
"""By name, the cheap ones first."""
