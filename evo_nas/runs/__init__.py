"""`Run`: the lasting record of one search.

A run is kept in a directory or under a URI. `Run.at` opens it once; the object then answers every question about it:
its configuration, its evaluations, how they compare with simple baselines, and whether a given configuration may
resume it. Nothing in this package needs the data, a strategy or torch.
"""

from evo_nas.runs.champion_store import ChampionStore
from evo_nas.runs.rows import Row, metric_of, standing_of
from evo_nas.runs.run import Run, find_runs

__all__ = ["ChampionStore", "Row", "Run", "find_runs", "metric_of", "standing_of"]
