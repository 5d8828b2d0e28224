"""The native format: writes a champion as plain JSON and safetensors, and reads it back.

::

    genome.json          the genome, its search space and its origin; the members and how they answer together
    architecture.json    layers, cells and head, as `genome.codec` writes them
    model.safetensors    the weights, by the names of the network's parameters
    preparation.json     what leads from raw sequences to inputs and from outputs to answers, if the task says it
    verdict.json         how it compares with others, of the champion of a run
    tuning.json          what tuning changed, of a champion that was tuned

A baseline has the files of `tasks.baselines.keeping` instead.

Of an ensemble these are the first member; ``model-2.safetensors`` and so on are the weights of the others, with
``architecture-2.json`` and so on where a member has another architecture.
"""

from __future__ import annotations

import json
import math
import stat
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save

from evo_nas.champion.exporters.baseline_network import BaselineNetwork, is_baseline, read_baseline
from evo_nas.champion.exporters.checking import compare, runs, samples
from evo_nas.champion.exporters.exporter import Exportable, Exporter
from evo_nas.champion.exporters.manifest import format_of, verify
from evo_nas.config.schema import ScheduleKind
from evo_nas.errors import ChampionError, DataError, GenomeError
from evo_nas.genome.architecture import Signature
from evo_nas.genome.codec import from_json, to_json
from evo_nas.genome.parameters import count_parameters, count_spellings
from evo_nas.models.ensemble import Link, Model, model_of
from evo_nas.models.network import Network
from evo_nas.runs.champion_store import VERDICT_FILE
from evo_nas.tasks.baselines.keeping import ARRAYS_FILE, BASELINE_FILE, PREPARATION_FILE
from evo_nas.tasks.preparation import Preparation

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence

    from evo_nas.champion.exporters.checking import CheckResult
    from evo_nas.champion.exporters.exporter import ExportOptions
    from evo_nas.genome.architecture import Architecture
    from evo_nas.genome.space import Genome, SpaceOptions

_Model = TypeVar("_Model", bound=BaseModel)
FORMAT = 2
MAX_JSON_BYTES = 1_000_000
MAX_PREPARATION_BYTES = 100_000_000
"""The preparation of a text holds its vocabulary."""
GENOME_FILE, ARCHITECTURE_FILE, WEIGHTS_FILE = "genome.json", "architecture.json", "model.safetensors"
TUNING_FILE = "tuning.json"
TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True)
class Provenance:
    """The origin of a champion.

    Attributes:
        genome: The genome that was evaluated.
        canonical_hash: Identity of its architecture.
        space: The search space that decodes the genome, together with ``epochs``.
        epochs: Training epochs in the search.
        run_id: Id of the run.
        candidate: Id of the candidate in that run.
    """

    genome: Genome
    canonical_hash: str
    space: SpaceOptions
    epochs: int
    run_id: str
    candidate: int


@dataclass(frozen=True, slots=True)
class Member:
    """One trained network of a champion.

    Attributes:
        architecture: The trained architecture.
        weights: Its weights in the safetensors format, by the names of the network's parameters.
        share: Its weight in the ensemble, relative to that of the others.
    """

    architecture: Architecture
    weights: bytes
    share: float = 1.0


class _MemberFiles(BaseModel):
    """The files of a member in ``genome.json``; plain names, so that nothing outside the folder is read."""

    architecture: str = Field(ARCHITECTURE_FILE, pattern=r"^architecture(-\d+)?\.json$")
    weights: str = Field(WEIGHTS_FILE, pattern=r"^model(-\d+)?\.safetensors$")
    share: float = Field(1.0, gt=0, allow_inf_nan=False)


class _GenomeFile(BaseModel):
    """The part of ``genome.json`` that loading needs."""

    format: int
    signature: Signature
    link: Link = Link.VALUES
    members: tuple[_MemberFiles, ...] = Field((_MemberFiles(),), min_length=1)


class TunedTraining(BaseModel):
    """The part of ``tuning.json`` that a further training needs; what else was tuned is in the architecture.

    Attributes:
        schedule: How the learning rate changes.
        sentence: What the tuning found.
    """

    model_config = ConfigDict(extra="allow")  # what it changed is told, and not needed

    schedule: ScheduleKind
    sentence: str = ""


class NativeExporter(Exporter):
    """JSON and safetensors as the run keeps them, which `evo_nas.load_champion` and evo-nas commands read."""

    name = "native"

    def files(self, champion: Exportable, options: ExportOptions) -> dict[str, bytes]:  # noqa: ARG002
        """Returns the files unchanged."""
        return dict(champion.native)

    def check(self, folder: Path, champion: Exportable, options: ExportOptions) -> CheckResult:  # noqa: ARG002
        """Reads the model from the files, and compares outputs."""
        model = read_model(folder)
        return compare(runs(model), runs(champion.model), samples(champion.signature), tolerance=TOLERANCE)


def native_files(
    members: Sequence[Member],
    signature: Signature,
    provenance: Provenance,
    preparation: Preparation | None = None,
    *,
    link: Link = Link.VALUES,
) -> dict[str, bytes]:
    """Returns the content of each file of a champion by name.

    Args:
        members: Its networks; the first is the one to go on from where only one can be used.
        signature: Shape of their inputs and outputs.
        provenance: The origin of the champion.
        preparation: What leads from raw sequences to its inputs and from its outputs to answers.
        link: The scale on which several members are averaged.
    """
    prepares = {} if preparation is None else {PREPARATION_FILE: (preparation.to_json() + "\n").encode()}
    origin = asdict(provenance) | {"space": provenance.space.model_dump(mode="json")}
    return _network_files(members, signature, origin, link) | prepares


def tuning_file(facts: Mapping[str, Any]) -> dict[str, bytes]:
    """Returns the file that says how a champion was tuned; ``schedule`` is among the facts."""
    return {TUNING_FILE: (json.dumps(facts, indent=2) + "\n").encode()}


def read_tuning(directory: Path) -> TunedTraining | None:
    """Returns how a champion that was tuned was trained; None if it was not tuned.

    Raises:
        ChampionError: The file is damaged.
    """
    path = directory / TUNING_FILE
    if not path.exists():
        return None
    return _read_model(path, TunedTraining)


def initial_weights_files(network: Network, origin: Mapping[str, Any]) -> dict[str, bytes]:
    """Returns the content of each file of a network that is no champion, by name; ``origin`` says how it was made."""
    member = Member(network.architecture, weights_of(network))
    return _network_files([member], network.signature, origin, Link.VALUES)


def updated_files(
    members: Sequence[Member],
    signature: Signature,
    origin: Mapping[str, Any],
    preparation: Preparation,
    *,
    link: Link | None,
) -> dict[str, bytes]:
    """Returns the content of each file of a champion that was trained on, by name; ``origin`` says from what."""
    prepares = {PREPARATION_FILE: (preparation.to_json() + "\n").encode()}
    return _network_files(members, signature, origin, link or Link.VALUES) | prepares


def _network_files(
    members: Sequence[Member], signature: Signature, origin: Mapping[str, Any], link: Link
) -> dict[str, bytes]:
    named, files = [], {}
    known: dict[str, str] = {}  # the file of each architecture, since retrainings share one
    for number, member in enumerate(members, start=1):
        suffix = f"-{number}" if number > 1 else ""
        text = to_json(member.architecture)
        if text not in known:
            known[text] = f"architecture{suffix}.json"
            files[known[text]] = (text + "\n").encode()
        weights = f"model{suffix}.safetensors"
        files[weights] = member.weights
        named.append({"architecture": known[text], "weights": weights, "share": member.share})
    facts = {**origin, "format": FORMAT, "signature": asdict(signature), "link": link, "members": named}
    return {GENOME_FILE: (json.dumps(facts, indent=2) + "\n").encode(), **files}


def weights_of(network: Network) -> bytes:
    """Returns the weights of ``network`` in the safetensors format, by the names of its parameters."""
    # safetensors stores only contiguous tensors.
    return save({name: tensor.cpu().contiguous() for name, tensor in network.state_dict().items()})


def _native_files_in(directory: Path) -> dict[str, bytes]:
    """Returns the native files in ``directory`` by name; `read_model` has read it, so that they are whole."""
    if is_baseline(directory):
        return {
            name: (directory / name).read_bytes() for name in (BASELINE_FILE, ARRAYS_FILE, PREPARATION_FILE)
        }
    members = _read_facts(directory).members
    names = {
        GENOME_FILE,
        PREPARATION_FILE,
        VERDICT_FILE,
        TUNING_FILE,
        *(name for each in members for name in (each.architecture, each.weights)),
    }
    return {name: (directory / name).read_bytes() for name in sorted(names) if (directory / name).exists()}


def read_exportable(directory: Path, *, name: str) -> Exportable:
    """Returns the champion whose native files are in ``directory``, as export formats take it.

    Raises:
        ChampionError: As `read_native`.
    """
    model, native = read_model(directory), _native_files_in(directory)
    prepared = read_preparation(directory) if PREPARATION_FILE in native else None
    if isinstance(model, BaselineNetwork):
        return Exportable(name, model, native, {"baseline": model.name}, prepared, model.link)
    facts = json.loads(native[GENOME_FILE])
    return Exportable(name, model, native, facts, prepared, _read_facts(directory).link)


def read_model(directory: str | os.PathLike[str]) -> Model | BaselineNetwork:
    """Returns an exported network, ensemble or baseline in evaluation mode; see `read_native`.

    Raises:
        ChampionError: As `read_native`.
    """
    return read_baseline(directory) if is_baseline(Path(directory)) else read_native(directory)


def read_native(directory: str | os.PathLike[str]) -> Model:
    """Returns an exported network or ensemble in evaluation mode; it gives the same outputs as when it was exported.

    ``model(inputs, lengths=None)`` takes inputs as the task prepares them: float32 ``(batch, time, features)`` or
    int64 tokens ``(batch, time)``. It returns ``(batch, outputs)``, or ``(batch, time, outputs)`` if every step has an
    output. Nothing in the directory is executed.

    Raises:
        ChampionError: A file is missing, damaged, of a newer format, or does not fit the others; or it is not what
            the manifest lists, where there is one.
    """
    directory = Path(directory)
    if format_of(directory) == "genome":
        raise ChampionError(
            f"{directory} is an export in the format genome, which has no weights; give a run, or an export in the "
            "format native"
        )
    verify(directory)
    facts = _read_facts(directory)
    networks = [_read_member(directory, member, facts.signature) for member in facts.members]
    return model_of(networks, link=facts.link, shares=[member.share for member in facts.members])


def _read_member(directory: Path, member: _MemberFiles, signature: Signature) -> Network:
    try:
        architecture = from_json(_read_text(directory / member.architecture))
    except GenomeError as error:
        raise ChampionError(
            f"{directory / member.architecture} is damaged: {error}; export it again"
        ) from error
    weights = directory / member.weights
    _check_size(weights, architecture, signature=signature)
    try:
        network = Network(architecture, signature)
        network.load_state_dict(load_file(weights))
    except (GenomeError, RuntimeError, SafetensorError) as error:
        raise ChampionError(f"{weights} does not fit {member.architecture}: {error}") from error
    return network


def has_preparation(directory: str | os.PathLike[str]) -> bool:
    """Whether an exported network has a file that says how raw data are prepared."""
    return (Path(directory) / PREPARATION_FILE).exists()


def read_preparation(directory: str | os.PathLike[str]) -> Preparation:
    """Returns what leads from raw sequences to the inputs of an exported network, and from its outputs to answers.

    Raises:
        ChampionError: There is no such file, or it is damaged.
    """
    path = Path(directory) / PREPARATION_FILE
    if not path.exists():
        raise ChampionError(
            f"{directory} has no {PREPARATION_FILE}, since its task does not say how raw data are prepared; "
            "load_champion gives the model, which takes prepared inputs"
        )
    try:
        return Preparation.from_json(_read_text(path, most=MAX_PREPARATION_BYTES))
    except DataError as error:
        raise ChampionError(f"{path}: {error}; export it again") from error


def _read_facts(directory: Path) -> _GenomeFile:
    path = directory / GENOME_FILE
    facts = _read_model(path, _GenomeFile)
    if facts.format > FORMAT:
        raise ChampionError(
            f"{path} has format {facts.format}; this evo-nas reads up to {FORMAT}: install a newer one"
        )
    return facts


def _read_model(path: Path, kind: type[_Model]) -> _Model:
    try:
        return kind.model_validate_json(_read_text(path))
    except GenomeError as error:
        raise ChampionError(f"{path} is damaged: {error}; export it again") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise ChampionError(
            f"{path} is damaged at {where or 'its start'}: {first['msg']}; export it again"
        ) from error


def _read_text(path: Path, *, most: int = MAX_JSON_BYTES) -> str:
    try:
        status = path.stat()
        # Opening a named pipe would wait without end.
        if not stat.S_ISREG(status.st_mode):
            raise ChampionError(f"{path} is not a file; give the directory of an exported champion")
        if status.st_size > most:
            raise ChampionError(f"{path} has {status.st_size} bytes; at most {most} are read")
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ChampionError(
            f"{path} cannot be read: {error}; give the directory of an exported champion"
        ) from error


def _check_size(path: Path, architecture: Architecture, *, signature: Signature) -> None:
    """Refuses a wrong number of weights before a network is built, since a damaged file could claim any size."""
    try:
        # Shapes are in the header, so no weight is read for this.
        with safe_open(path, framework="pt") as weights:
            shapes: list[Any] = [weights.get_slice(name).get_shape() for name in weights.keys()]  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise ChampionError(f"{path} cannot be read: {error}; export it again") from error
    stored = sum(math.prod(shape) for shape in shapes)
    expected = count_parameters(architecture, signature) + count_spellings(architecture, signature)
    if stored != expected:
        raise ChampionError(
            f"{path} holds {stored} weights; {ARCHITECTURE_FILE} needs {expected}: export it again"
        )
