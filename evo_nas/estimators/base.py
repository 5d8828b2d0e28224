"""`SequenceEstimator`: what the estimators have in common - parameters, a search, a champion, files."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from contextlib import contextmanager
from numbers import Real
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, get_args

import numpy as np
from scipy.sparse import issparse
from sklearn.base import BaseEstimator
from sklearn.utils import check_array, check_random_state
from sklearn.utils.validation import check_is_fitted

from evo_nas.api import search
from evo_nas.champion.champion import Champion, load_champion
from evo_nas.champion.export import check_target
from evo_nas.champion.verdict import Verdict
from evo_nas.config.validation_errors import shown
from evo_nas.data.frames import is_frame, names_its_rows
from evo_nas.data.holes import Missing
from evo_nas.errors import ChampionError, ConfigError, DataError
from evo_nas.runs import Run
from evo_nas.sessions.events import Best, Progressed

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator
    from typing import Self

    from evo_nas.experiment import ExecutorKind
    from evo_nas.sessions.events import Event
    from evo_nas.tasks.dataset import Dataset

FORMAT = 1
ESTIMATOR_FILE = "estimator.json"
LARGEST_SEED = 2**31 - 1


_REMEDY = (
    "Reshape your data: X must be an array with three dimensions, (n, time, features), or a list of arrays or frames "
    "(time, features); one feature is X[..., np.newaxis]"
)


class SequenceEstimator(BaseEstimator):  # type: ignore[misc]
    """An estimator that searches for a network when it is fitted.

    Args:
        evaluations: Candidates that the search evaluates.
        train_minutes: Minutes that all candidates together may train; no limit by default.
        epochs: Passes over the training part for each candidate.
        metric: What the search optimises; by default the first that the data permit, such as ``accuracy``.
        missing: What becomes of NaN in ``X``: ``refuse``, ``mask``, ``interpolate`` or ``previous``.
        validation: Share of the sequences that candidates are compared on.
        test: Share of the sequences that the champion is compared with an LSTM and simple models on, in ``verdict_``.
        cuts: Cuts of training and validation; with several, promising candidates are confirmed on the further ones.
        space: Options of the search space, as in the section ``space`` of a configuration.
        strategy: Options of the strategy, as in the section ``strategy``.
        fitness: How candidates are scored, as in the section ``fitness``.
        verdict: How much is trained to choose and to compare the champion, as in the section ``verdict``.
        workers: Worker processes, for the executor ``ray``.
        executor: ``inline`` to train in this process, ``ray`` for worker processes.
        run: Directory of the run, which a further `fit` on the same data goes on with; temporary by default.
        random_state: Seed of the search and of the parts; by default that of ``run``, and a new one without a run.
        verbose: Whether to write the best score whenever it changes.

    Attributes:
        verdict_: The champion beside an LSTM of its size and simple models.
        remarks_: What should be known of the data, one sentence each.
        seed_: The seed that was used.
        n_features_in_: Values of a step.
    """

    verdict_: Verdict
    remarks_: tuple[str, ...]
    seed_: int
    n_features_in_: int
    _files: Mapping[str, bytes]
    _champion: Champion | None

    def __init__(  # noqa: PLR0913 - scikit-learn takes the parameters from this signature
        self,
        *,
        evaluations: int = 30,
        train_minutes: float | None = None,
        epochs: int = 8,
        metric: str | None = None,
        missing: str = "refuse",
        validation: float = 0.15,
        test: float = 0.15,
        cuts: int = 1,
        space: Mapping[str, Any] | None = None,
        strategy: Mapping[str, Any] | None = None,
        fitness: Mapping[str, Any] | None = None,
        verdict: Mapping[str, Any] | None = None,
        workers: int = 1,
        executor: ExecutorKind = "inline",
        run: str | os.PathLike[str] | None = None,
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
    ) -> None:
        self.evaluations = evaluations
        self.train_minutes = train_minutes
        self.epochs = epochs
        self.metric = metric
        self.missing = missing
        self.validation = validation
        self.test = test
        self.cuts = cuts
        self.space = space
        self.strategy = strategy
        self.fitness = fitness
        self.verdict = verdict
        self.workers = workers
        self.executor = executor
        self.run = run
        self.random_state = random_state
        self.verbose = verbose

    @property
    def champion(self) -> Champion:
        """The champion, which takes raw sequences.

        Raises:
            NotFittedError: `fit` was not called.
        """
        check_is_fitted(self, "verdict_")
        if self._champion is None:  # after it was unpickled
            self._champion = self._from_files()
        return self._champion

    def save(self, directory: str | os.PathLike[str]) -> None:
        """Writes the fitted estimator as JSON and safetensors, which `load` reads; nothing of it is executed then.

        Raises:
            NotFittedError: `fit` was not called.
            ChampionError: ``directory`` is neither new nor empty.
        """
        check_is_fitted(self, "verdict_")
        out = Path(directory)
        check_target(out, "native")
        parameters = self._plain_params()
        state = parameters["random_state"]
        facts = {
            "format": FORMAT,
            "estimator": type(self).__name__,
            # A generator has no text, and the run may be on another machine.
            "parameters": parameters
            | {"random_state": state if isinstance(state, int) else None, "run": None},
            "fitted": {"seed_": self.seed_, "remarks_": self.remarks_, **self._facts()},
            "verdict": self.verdict_.to_values(),
        }
        out.mkdir(parents=True, exist_ok=True)
        _write(out, {**self._files, ESTIMATOR_FILE: (json.dumps(facts, indent=2) + "\n").encode()})

    @classmethod
    def load(cls, directory: str | os.PathLike[str]) -> Self:
        """Returns the estimator that `save` wrote.

        Raises:
            ChampionError: A file is missing, damaged, of a newer format or of another estimator.
        """
        path = Path(directory) / ESTIMATOR_FILE
        try:
            facts = json.loads(path.read_bytes())
            found = facts["format"], facts["estimator"]
            verdict = Verdict.from_values(facts["verdict"])
            fitted = {**facts["fitted"], "verdict_": verdict}
            estimator = cls(**facts["parameters"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ChampionError(
                f"{path} cannot be read: {error}; give the directory that save wrote"
            ) from error
        if verdict is None or found != (FORMAT, cls.__name__):
            raise ChampionError(
                f"{path} holds {found[1]} of format {found[0]}; {cls.__name__}.load reads its own, of format {FORMAT}"
            )
        estimator._take(fitted)
        estimator._files = {
            file.name: file.read_bytes() for file in path.parent.iterdir() if file != path and file.is_file()
        }
        # Read at once, so that a damaged file is found here.
        estimator._champion = load_champion(directory)
        return estimator

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = super().__getstate__()
        # The network is made again from its files.
        return state | ({"_champion": None} if "_champion" in state else {})

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        tags.input_tags.allow_nan = self.missing != "refuse"
        tags.non_deterministic = self.random_state is None
        return tags

    def _facts(self) -> dict[str, Any]:
        """Returns what a kind of estimator learnt besides the champion, as plain JSON values."""
        return {"n_features_in_": self.n_features_in_}

    def _take(self, facts: Mapping[str, Any]) -> None:
        """Takes over what `_facts` returned and what every estimator has."""
        for name, value in facts.items():
            setattr(self, name, tuple(value) if name == "remarks_" else value)

    def _plain_params(self) -> dict[str, Any]:
        """Returns the parameters as configurations and JSON take them, without values of numpy and pandas."""
        return {name: _plain(value) for name, value in self.get_params(deep=False).items()}

    def _check_parameters(self) -> None:
        """Refuses parameters that no configuration checks.

        Raises:
            ValueError: A share is none, or options are no mapping.
        """
        parts = {"validation": self.validation, "test": self.test}
        allowed: dict[str, tuple[bool, str]] = {
            name: (_is_share(share), "a number between 0 and 1, a share of the data")
            for name, share in parts.items()
        }
        for name in ("space", "strategy", "fitness", "verdict"):
            given = getattr(self, name)
            allowed[name] = (given is None or isinstance(given, Mapping), "a mapping of options, or None")
        allowed["metric"] = (
            self.metric is None or isinstance(self.metric, str),
            "the name of a metric, or None",
        )
        allowed["missing"] = (self.missing in get_args(Missing), f"one of {', '.join(get_args(Missing))}")
        for name, (is_allowed, what) in allowed.items():
            if not is_allowed:
                raise ValueError(f"{name} is {shown(getattr(self, name))}; must be {what}")
        if sum(parts.values()) >= 1:
            raise ValueError(
                f"validation is {self.validation} and test {self.test}; must be less than 1 together, since training "
                "has the rest"
            )

    def _drawn_seed(self) -> int:
        # With another seed a further fit would be another search, which a run refuses.
        if self.random_state is None and self.run is not None and (kept := Run.at(self.run)).exists:
            return kept.config.seed
        return int(check_random_state(self.random_state).randint(LARGEST_SEED))

    def _search(self, dataset: Dataset, seed: int) -> None:
        """Searches on ``dataset`` and keeps the champion."""
        plain = self._plain_params()
        settings: dict[str, Any] = {
            "name": type(self).__name__.lower(),
            "seed": seed,
            "space": plain["space"] or {},
            "strategy": {"kind": "aging", **(plain["strategy"] or {})},
            "training": {"epochs": plain["epochs"]},
            # Only what is trained again sees the further cuts.
            "fitness": {"confirm": plain["cuts"] > 1, **(plain["fitness"] or {})},
            "validation": {"cuts": plain["cuts"]},
            "verdict": plain["verdict"] or {},
            "budget": {name: plain[name] for name in ("evaluations", "train_minutes")},
            "workers": plain["workers"],
        }
        best: list[Best] = []

        def say(event: Event) -> None:
            if self.verbose and isinstance(event, Progressed) and event.best and event.best not in best[-1:]:
                best.append(event.best)
                reach = f" after {event.best.epochs} epochs" if event.best.is_pruned else ""
                line = f"{event.told} of {event.evaluations}: {event.best.value:.4g}{reach}, {event.best.architecture}"
                sys.stdout.write(line + "\n")

        with TemporaryDirectory() as folder:
            place = Path(folder) / "run" if self.run is None else self.run
            self.verdict_ = search(settings, place, dataset=dataset, executor=self.executor, on_event=say)
            self._files = Run.at(place).champion.files()
        self._champion = self._from_files()
        self.remarks_, self.seed_ = dataset.remarks, seed

    def _from_files(self) -> Champion:
        with TemporaryDirectory() as folder:
            _write(Path(folder), self._files)
            return load_champion(folder)


def _plain(value: Any) -> Any:
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list | tuple) else value


def _is_share(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and 0 < float(value) < 1


@contextmanager
def value_errors() -> Iterator[None]:
    """Turns errors in data and parameters into the `ValueError` that scikit-learn's users expect."""
    try:
        yield
    except (DataError, ConfigError) as error:
        raise ValueError(str(error)) from error


def sequences_of(estimator: SequenceEstimator, X: Any) -> Any:
    """Returns ``X`` if it has a sequence of rows of features for each example.

    Raises:
        ValueError: It has not three dimensions, or values that are no numbers.
    """
    if is_frame(X):
        if not names_its_rows(X):
            raise ValueError(f"X is one frame of two dimensions, {np.shape(X)}. {_REMEDY}")
        return X
    if hasattr(X, "__array__"):
        X = np.asarray(X)
    if issparse(X) or (isinstance(X, np.ndarray) and X.ndim != 1):
        is_finite: Any = True if estimator.missing == "refuse" else "allow-nan"
        values = check_array(
            X, allow_nd=True, ensure_2d=False, ensure_all_finite=is_finite, estimator=estimator
        )
        if values.ndim != 3:
            raise ValueError(f"X has shape {values.shape}. {_REMEDY}")
        return values
    return _checked_list(X)


def _checked_list(X: Any) -> list[Any]:
    if not isinstance(X, list | tuple | np.ndarray):
        raise ValueError(f"X is a {type(X).__name__}. {_REMEDY}")  # noqa: TRY004 - scikit-learn expects ValueError
    if not len(X):
        raise ValueError(f"X has 0 sample(s), while a minimum of 1 is required. {_REMEDY}")
    for number, item in enumerate(X, start=1):
        try:
            shape = np.shape(item)
        except ValueError:
            raise ValueError(f"sequence {number} of X is ragged. {_REMEDY}") from None
        if len(shape) != 2:
            raise ValueError(f"sequence {number} of X has shape {shape}. {_REMEDY}")
    return list(X)


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    for name, content in files.items():
        (folder / name).write_bytes(content)
