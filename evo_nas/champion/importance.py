"""How much of a run's fitness hangs on each gene: PED-ANOVA on its ledger."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np

from evo_nas.errors import ChampionError

if TYPE_CHECKING:
    from evo_nas.genome.space import SearchSpace
    from evo_nas.runs import Run

FEWEST = 20
"""Below so many scored trainings a tenth of them says nothing."""
MOST = 2000
"""Of more trainings some are drawn: Optuna takes milliseconds for each, and the best of them are 200 then."""


def gene_importance(run: Run, space: SearchSpace) -> dict[str, float]:
    """Returns the share of each gene in what tells the best trainings from all, most important first.

    Watanabe, Bansal and Hutter, "PED-ANOVA: Efficiently Quantifying Hyperparameter Importance in Arbitrary Subspaces",
    IJCAI 2023, by Optuna. Genes that never vary are left out. Of more than `MOST` trainings it looks at so many, which
    are always the same.

    Raises:
        ChampionError: Optuna is not installed, or the run has too few scores.
    """
    try:
        import optuna  # noqa: PLC0415 - an extra
        from optuna.importance import PedAnovaImportanceEvaluator  # noqa: PLC0415
    except ModuleNotFoundError:
        raise ChampionError(
            "the importance of genes needs the package optuna; run pip install 'evo-nas[tune]'"
        ) from None
    table = run.columns(["id", "seq", "genome", "fitness", "starts_from"])
    starts_alone = np.equal(table["starts_from"].to_pylist(), "")
    scored = np.flatnonzero(table["fitness"].is_valid().to_numpy() & starts_alone)
    if len(scored) < FEWEST:
        raise ChampionError(
            f"the run has {len(scored)} scores; the importance of genes needs at least {FEWEST}: search on"
        )
    drawn = np.random.default_rng(0).permutation(scored)[:MOST]
    rows = table.take(np.sort(drawn)).to_pylist()
    varied = [at for at in range(len(space.genes)) if len({row["genome"][at] for row in rows}) > 1]
    choices: dict[str, optuna.distributions.BaseDistribution] = {
        space.genes[at].name: optuna.distributions.CategoricalDistribution(tuple(range(space.genes[at].size)))
        for at in varied
    }
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(direction="maximize")
    study.add_trials(
        [
            optuna.trial.create_trial(
                params={space.genes[at].name: row["genome"][at] for at in varied},
                distributions=choices,
                value=row["fitness"],
            )
            for row in rows
        ]
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        found = optuna.importance.get_param_importances(study, evaluator=PedAnovaImportanceEvaluator())
    return dict(found)
