"""`Run`: one search's record, whatever happens to the processes that work on it.

A run lives in a directory or under a URI. It is opened once, with `Run.at`, and answers every question about itself:
what it was asked to do, what it has found, how that compares with simple baselines, and whether a given
configuration may go on with it. Nothing in here needs the data, a strategy or torch.
"""

from evo_nas.runs.champion_store import ChampionStore
from evo_nas.runs.run import Row, Run, find_runs, metric_of

__all__ = ["ChampionStore", "Row", "Run", "find_runs", "metric_of"]
