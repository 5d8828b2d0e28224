"""Trains a champion on new data, from its weights or from scratch, and compares it with what it was before.

The new data are split as its task says. Networks learn from the training part, the validation part chooses the epoch,
and the test part only judges. What the champion learnt from earlier is not known row by row: of data that hold such
rows its figures are flattered, which `Update.sentence` says unless the data are the very files of its training.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from evo_nas.champion.champion import Champion, load_champion
from evo_nas.champion.export import champion_folder
from evo_nas.champion.exporters.native import (
    GENOME_FILE,
    Member,
    read_tuning,
    tuning_file,
    updated_files,
    weights_of,
)
from evo_nas.config import TrainingConfig, checked
from evo_nas.errors import ChampionError, DataError
from evo_nas.genome.slots import TRAINING, words_of
from evo_nas.models.ensemble import Ensemble, Model, model_of
from evo_nas.models.network import Network
from evo_nas.models.threads import one_thread
from evo_nas.randomness import derive_seed
from evo_nas.tasks.answers import ClassAnswers
from evo_nas.tasks.raw_inputs import NumericInputs, TokenInputs
from evo_nas.tasks.raw_windows import WindowInputs
from evo_nas.tasks.registry import TASKS
from evo_nas.tasks.translation import translated
from evo_nas.training.batches import prepare
from evo_nas.training.course import Course
from evo_nas.training.forward import score_part
from evo_nas.training.runtime import device_for
from evo_nas.training.trainer import train

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path
    from typing import Literal

    from evo_nas.champion.exporters.native import TunedTraining
    from evo_nas.tasks.dataset import Dataset
    from evo_nas.tasks.preparation import Preparation, Recipe

    Origin = Literal["weights", "scratch"]


@dataclass(frozen=True, slots=True)
class Figures:
    """The metric of one model on the new data."""

    validation: float
    test: float


@dataclass(frozen=True, slots=True)
class Update:
    """A champion that was trained on new data, beside what it was before.

    Attributes:
        files: The new champion in the native format, by name.
        metric: The metric of its task.
        higher_is_better: Its direction.
        before: The champion as it was, on the parts of the new data.
        after: The new one, on the same parts.
        origin: Whether it went on from its weights or began from scratch.
        is_known: Whether the data are files that the champion was trained on before, with the same parts.
        settings: How its networks were trained, a sentence.
    """

    files: Mapping[str, bytes]
    metric: str
    higher_is_better: bool
    before: Figures
    after: Figures
    origin: Origin
    is_known: bool
    settings: str = ""

    @property
    def is_better(self) -> bool:
        """Whether the new one is ahead on the validation part, by which one of both is to be chosen."""
        sign = 1 if self.higher_is_better else -1
        return sign * (self.after.validation - self.before.validation) > 0

    @property
    def sentence(self) -> str:
        """The comparison for people."""
        said = (
            f"On the test part of the new data the champion reached {self.before.test:.4g} {self.metric} before and "
            f"reaches {self.after.test:.4g} now; on the validation part {self.before.validation:.4g} and "
            f"{self.after.validation:.4g}."
        )
        advice = "Take the new one." if self.is_better else "Keep the old one, which validation prefers."
        if self.is_known:
            return f"{said} {advice}"
        flattered = "both figures are" if self.origin == "weights" else "the first figure is"
        doubt = f"If the new data hold rows that the champion was trained on before, {flattered} flattered."
        return f"{said} {advice} {doubt}"


def retrain_on(
    place: str | os.PathLike[str],
    data: Sequence[Path],
    *,
    origin: Origin = "weights",
    epochs: int | None = None,
    on_member: Callable[[int, int], None] = lambda _done, _total: None,
) -> Update:
    """Trains a champion on new data, with the settings of its own training: those of a tuning if it was tuned.

    Args:
        place: An exported champion, or a run.
        data: Files in the format of its task, with what is predicted.
        origin: ``weights`` goes on from its weights and keeps its units, vocabulary and classes; ``scratch`` learns
            all of these anew.
        epochs: Passes over the training part; those of its first training if not given.
        on_member: Called before each training with how many of its members are done and how many there are.

    Raises:
        ChampionError: The champion does not say how files are read, or a training fails.
        DataError: The data cannot be used by this champion.
    """
    champion = load_champion(place)
    network = champion.network
    with champion_folder(place) as folder:
        facts: dict[str, Any] = json.loads((folder / GENOME_FILE).read_text(encoding="utf-8"))
        tuned = read_tuning(folder)
    preparation = champion.prepared
    recipe, training = _learnt_by(preparation, tuned)
    vocabulary = preparation.inputs.vocabulary if isinstance(preparation.inputs, TokenInputs) else ()
    new, files = _read(recipe, preparation, data, vocabulary=vocabulary)
    carried = translated(new, preparation, network.signature)
    dataset = carried
    if origin == "scratch":
        # Only words have other numbers where they are learnt anew.
        dataset = _read(recipe, preparation, data, vocabulary=())[0] if vocabulary else new
    full = epochs or int(facts.get("epochs") or training.full_epochs)
    trained = _trained(champion, dataset, training, epochs=full, origin=origin, on_member=on_member)
    model = _like(network, list(trained))
    kept = dataset.preparation
    assert kept is not None
    update = {
        "origin": origin,
        "epochs": full,
        "schedule": training.schedule,
        "data": files,
        "champion": _identity(network),
    }
    keeps_tuning = {} if tuned is None else tuning_file(tuned.model_dump())
    return Update(
        updated_files(
            _as_kept(model),
            dataset.signature,
            facts | {"updates": [*facts.get("updates", []), update]},
            kept.with_recipe(replace(recipe, files=tuple(sorted(files.values())))),
            link=model.link if isinstance(model, Ensemble) else None,
        )
        | keeps_tuning,
        dataset.metric.name,
        dataset.metric.higher_is_better,
        before=_figures(network, carried),
        after=_figures(model, dataset),
        origin=origin,
        is_known=set(files.values()) <= set(recipe.files),
        settings=_settings(network, training, tuned, epochs=full, chosen=epochs is not None),
    )


def _settings(
    model: Model, training: TrainingConfig, tuned: TunedTraining | None, *, epochs: int, chosen: bool
) -> str:
    """Returns how the networks of ``model`` are trained, for people; ``chosen`` says that the epochs were asked for."""
    members = _members(model)
    how = " or ".join(dict.fromkeys(words_of(TRAINING, each.architecture.training) for each in members))
    networks = "1 network" if len(members) == 1 else f"{len(members)} networks"
    length = "1 epoch" if epochs == 1 else f"{epochs} epochs"
    as_before = "" if chosen else ", as its training had"
    said = f"Trained {networks} for {length}{as_before}: {how}, {training.schedule} learning rate"
    if tuned is None:
        return f"{said}, as in the search."
    # What follows compares the champion with others.
    found = tuned.sentence.partition(";")[0]
    return f"{said}, as it was tuned: {found}." if found else f"{said}, as it was tuned."


def _learnt_by(preparation: Preparation, tuned: TunedTraining | None) -> tuple[Recipe, TrainingConfig]:
    """Returns how the files of a champion were read, and how it was trained, without the time limit of a search."""
    recipe = preparation.recipe
    if recipe is None:
        raise ChampionError(
            "the champion was trained on data in memory, and does not say how files are read; search on them instead"
        )
    training = checked(TrainingConfig, dict(recipe.training), at="training").without_time_limit()
    if training.adaptation is not None:
        raise ChampionError(
            "the champion adapts to each task by itself; adapt it with adapted_network instead"
        )
    return recipe, training if tuned is None else training.model_copy(update={"schedule": tuned.schedule})


def _read(
    recipe: Recipe, preparation: Preparation, data: Sequence[Path], *, vocabulary: tuple[str, ...]
) -> tuple[Dataset, dict[str, str]]:
    """Returns the new data, and the SHA-256 of each file by name."""
    kind = TASKS[recipe.kind]
    if "path" not in kind.Options.model_fields:
        raise ChampionError(
            f"task {recipe.kind} makes its own data and reads no file; there is nothing to learn anew from"
        )
    known = dict(recipe.options) | _settled(preparation)
    # Some tasks take one file alone, and refuse a list.
    paths = list(map(str, data)) if len(data) > 1 else str(data[0])
    task = kind(
        checked(
            kind.Options,
            {name: each for name, each in known.items() if name not in _SOURCES} | {"path": paths},
            at="task",
        )
    )
    task.vocabulary = vocabulary
    try:
        dataset = task.read().dataset
    except DataError as error:
        advised = _ADVICE.search(str(error))
        if advised is None or advised[1] not in kind.Options.model_fields:
            raise
        raise DataError(
            f"{error}. A champion keeps the options of its first training, so that {advised[1]} cannot be set here: "
            "mend the data, or search on them anew"
        ) from error
    if dataset.preparation is None:
        raise ChampionError(f"task {recipe.kind} does not say how its data are prepared")
    return dataset, dict(task.fingerprint())


_SOURCES = frozenset({"competition", "subset"})
"""Options that name data which are in no file."""
_ADVICE = re.compile(r"\b[Ss]et ([a-z_]+)")
"""How messages name the option of a task that would permit the data."""


def _settled(preparation: Preparation) -> dict[str, Any]:
    """Returns the columns that training settled on, so that new files are not guessed anew."""
    inputs = preparation.inputs
    if isinstance(inputs, WindowInputs):
        layout = inputs.layout
        named = {
            "time": layout.time,
            "series": layout.series,
            "inputs": [n for n in inputs.columns if n not in inputs.known],
        }
        return {name: value for name, value in named.items() if value}
    if isinstance(inputs, NumericInputs):
        words = {f"{name}={word}": name for name, each in inputs.layout.categories.items() for word in each}
        read = [words.get(name, name) for name in inputs.layout.row or inputs.layout.lists or inputs.columns]
        outputs = list(inputs.layout.outputs)
        if not outputs:
            return {}  # of files that are no tables
        is_class = isinstance(preparation.answers, ClassAnswers)
        predicted = {"label": outputs[0]} if is_class else {"targets": outputs}
        return {"inputs": list(dict.fromkeys(read)), **predicted}
    if isinstance(inputs, TokenInputs) and inputs.layout.text is not None:
        is_tagging = preparation.recipe is not None and preparation.recipe.kind == "tagging"
        names = ("tokens", "tags") if is_tagging else ("text", "label")
        return dict(zip(names, (inputs.layout.text, inputs.layout.label), strict=True))
    return {}


def _trained(
    champion: Champion,
    dataset: Dataset,
    training: TrainingConfig,
    *,
    epochs: int,
    origin: Origin,
    on_member: Callable[[int, int], None],
) -> Iterator[Network]:
    members = _members(champion.network)
    data = replace(prepare(dataset, device_for(training)), signature=dataset.signature)
    for number, member in enumerate(members):
        on_member(number, len(members))
        course = Course(inherit=_weights_of(member)) if origin == "weights" else Course()
        seed = derive_seed(0, "retrain", _identity(champion.network), number)
        with one_thread():
            trained = train(member.architecture, data, training, epochs=epochs, seed=seed, course=course)
        if trained.network is None:
            reason = trained.outcome.error or str(trained.outcome.status)
            raise ChampionError(
                f"the training on the new data failed: {reason}; lower --epochs, or check the data"
            )
        yield trained.network.cpu()


def _weights_of(member: Network) -> Callable[[Network], int]:
    def inherit(network: Network) -> int:
        network.load_state_dict(member.state_dict())
        return 0

    return inherit


def _members(model: Model) -> list[Network]:
    if isinstance(model, Network):
        return [model]
    return [member for member in model.members if isinstance(member, Network)]


def _like(model: Model, members: Sequence[Network]) -> Model:
    if isinstance(model, Network):
        return members[0]
    return model_of(members, link=model.link, shares=model.shares)


def _as_kept(model: Model) -> list[Member]:
    shares = model.shares if isinstance(model, Ensemble) else (1.0,)
    return [
        Member(each.architecture, weights_of(each), share)
        for each, share in zip(_members(model), shares, strict=True)
    ]


def _figures(model: Model, dataset: Dataset) -> Figures:
    figures = Figures(*(score_part(model, dataset, part).metric for part in ("validation", "test")))
    if not (math.isfinite(figures.validation) and math.isfinite(figures.test)):
        raise DataError(
            f"{dataset.metric.name} of the new data is no number, so that nothing can be compared; are the validation "
            "and test part large enough?"
        )
    return figures


def _identity(model: Model) -> str:
    """Returns the SHA-256 of all weights."""
    digest = hashlib.sha256()
    for member in _members(model):
        digest.update(weights_of(member))
    return digest.hexdigest()
