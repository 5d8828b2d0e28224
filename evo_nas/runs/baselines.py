"""The results of simple baselines, kept with the run; they are fitted once, since a run never changes its data.

::

    baselines.json               what each reaches, and the SHA-256 of the files of those that are kept as models
    baselines/<name>/...         the files of one of them; see `tasks.baselines.keeping`
"""

from __future__ import annotations

import hashlib
import json
import logging
from dataclasses import asdict
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from evo_nas.errors import DataError, RunError
from evo_nas.ledger import DamagedError, seal, storage_errors, unseal
from evo_nas.tasks.baselines.fitting import BaselineResult, FittedBaselines
from evo_nas.tasks.baselines.keeping import slug
from evo_nas.tasks.example_sums import ExampleSums

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from evo_nas.ledger import Store

BASELINES_FILE = "baselines.json"
FOLDER = "baselines"
_MISSING = (FileNotFoundError, NotADirectoryError, IsADirectoryError)
_log = logging.getLogger(__name__)


class _Model(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")

    name: str
    files: dict[str, str]


class _Kept(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")

    metric: str
    baselines: dict[str, BaselineResult]
    # Of each that says what it answered, the sums over the test examples; earlier runs have none.
    sums: dict[str, str] = Field(default_factory=dict)
    # The best on validation first.
    models: tuple[_Model, ...] = ()


def read_baselines(store: Store, *, metric: str | None = None) -> FittedBaselines | None:
    """Returns the kept results by name; None if they are missing, damaged or in another metric."""
    kept = _read(store)
    if kept is None or metric not in (None, kept.metric):
        return None
    try:
        sums = {name: ExampleSums.from_text(text) for name, text in kept.sums.items()}
    except DataError:
        return None  # as for a damaged file
    return FittedBaselines(kept.baselines, sums)


def baseline_models(store: Store) -> tuple[str, ...]:
    """Returns the names of the baselines that are kept as models, the best on validation first."""
    kept = _read(store)
    return () if kept is None else tuple(model.name for model in kept.models)


def baseline_files(store: Store, name: str) -> dict[str, bytes]:
    """Returns the files of a baseline that is kept, by name; empty if they are damaged.

    Args:
        store: The place of the run.
        name: One of `baseline_models`.
    """
    kept = _read(store)
    listed = {} if kept is None else {model.name: model.files for model in kept.models}.get(name, {})
    with storage_errors(store, "read a baseline of"):
        try:
            found = {file: store.read(f"{FOLDER}/{slug(name)}/{file}") for file in listed}
        except _MISSING:
            return {}
    return found if _digests(found) == listed else {}


def damaged_baselines(store: Store) -> Iterator[str]:
    """Yields a line for each baseline whose files are damaged, and for what belongs to none."""
    if BASELINES_FILE in store.list("") and read_baselines(store) is None:
        yield f"{BASELINES_FILE} is damaged; `evo-nas resume` fits the baselines again"
        return
    for name in baseline_models(store):
        if not baseline_files(store, name):
            yield (
                f"{FOLDER}/{slug(name)} is damaged, a baseline that can be exported; remove {BASELINES_FILE}, and "
                "`evo-nas resume` fits the baselines again"
            )


def keep_baselines(store: Store, baselines: FittedBaselines, *, metric: str) -> None:
    """Writes the results to the run; a failure is only logged, since they can be fitted again."""
    content = seal(
        {
            "metric": metric,
            "baselines": {name: asdict(result) for name, result in baselines.items()},
            "sums": {name: sums.to_text() for name, sums in baselines.sums.items()},
            "models": [{"name": name, "files": _digests(files)} for name, files in baselines.files.items()],
        }
    )
    try:
        with storage_errors(store, "write the baselines of"):
            # Models come first, since what is listed is taken for kept.
            for name, files in baselines.files.items():
                _write_model(store, f"{FOLDER}/{slug(name)}", files)
            if not store.create(BASELINES_FILE, content) and read_baselines(store, metric=metric) is None:
                # The file that is there is damaged or in another metric; no file of a run is ever overwritten.
                store.set_aside(BASELINES_FILE)
                store.create(BASELINES_FILE, content)
    except RunError as error:
        _log.warning("%s; they are fitted again next time", error)


def _write_model(store: Store, folder: str, files: Mapping[str, bytes]) -> None:
    for name in store.list(folder):  # what an interrupted process left
        store.delete(f"{folder}/{name}")
    for name, content in files.items():
        store.create(f"{folder}/{name}", content)


def _read(store: Store) -> _Kept | None:
    with storage_errors(store, "read the baselines of"):
        try:
            return _Kept.model_validate_json(json.dumps(unseal(store.read(BASELINES_FILE))))
        except (*_MISSING, DamagedError, ValidationError):
            return None  # they can be fitted again, so nothing is lost


def _digests(files: Mapping[str, bytes]) -> dict[str, str]:
    return {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
