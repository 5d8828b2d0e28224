"""The native format: writes a champion as plain JSON and safetensors, and reads it back.

::

    genome.json          the genome, its search space and its origin
    architecture.json    layers, cells and head, as `genome.codec` writes them
    model.safetensors    the weights, by the names of the network's parameters
    preparation.json     what leads from raw sequences to inputs and from outputs to answers, if the task says it
"""

from __future__ import annotations

import json
import math
import stat
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save

from evo_nas.champion.exporters.exporter import Exporter
from evo_nas.errors import ChampionError, DataError, GenomeError
from evo_nas.genome.architecture import Signature
from evo_nas.genome.codec import from_json, to_json
from evo_nas.genome.parameters import count_parameters, count_spellings
from evo_nas.models.network import Network
from evo_nas.tasks.preparation import Preparation

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    from evo_nas.genome.architecture import Architecture
    from evo_nas.genome.space import Genome, SpaceOptions

FORMAT = 1
MAX_JSON_BYTES = 1_000_000
MAX_PREPARATION_BYTES = 100_000_000
"""The preparation of a text holds its vocabulary."""
GENOME_FILE, ARCHITECTURE_FILE, WEIGHTS_FILE = "genome.json", "architecture.json", "model.safetensors"
PREPARATION_FILE = "preparation.json"


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


class _GenomeFile(BaseModel):
    """The part of ``genome.json`` that loading needs."""

    format: int
    signature: Signature


class NativeExporter(Exporter):
    """Exports the files as the run keeps them; `read_native` reads them."""

    name = "native"

    def files(self, champion: Mapping[str, bytes]) -> dict[str, bytes]:
        """Returns the files unchanged."""
        return dict(champion)


def native_files(
    architecture: Architecture,
    signature: Signature,
    weights: bytes,
    provenance: Provenance,
    preparation: Preparation | None = None,
) -> dict[str, bytes]:
    """Returns the content of each file of a champion by name.

    Args:
        architecture: The trained architecture.
        signature: Shape of its inputs and outputs.
        weights: The weights in the safetensors format, by the names of the network's parameters.
        provenance: The origin of the champion.
        preparation: What leads from raw sequences to its inputs and from its outputs to answers.
    """
    prepares = {} if preparation is None else {PREPARATION_FILE: (preparation.to_json() + "\n").encode()}
    origin = asdict(provenance) | {"space": provenance.space.model_dump(mode="json")}
    return _network_files(architecture, signature, weights, origin) | prepares


def initial_weights_files(network: Network, origin: Mapping[str, Any]) -> dict[str, bytes]:
    """Returns the content of each file of a network that is no champion, by name; ``origin`` says how it was made."""
    return _network_files(network.architecture, network.signature, weights_of(network), origin)


def _network_files(
    architecture: Architecture, signature: Signature, weights: bytes, origin: Mapping[str, Any]
) -> dict[str, bytes]:
    facts = {**origin, "format": FORMAT, "signature": asdict(signature)}
    return {
        GENOME_FILE: (json.dumps(facts, indent=2) + "\n").encode(),
        ARCHITECTURE_FILE: (to_json(architecture) + "\n").encode(),
        WEIGHTS_FILE: weights,
    }


def weights_of(network: Network) -> bytes:
    """Returns the weights of ``network`` in the safetensors format, by the names of its parameters."""
    # safetensors stores only contiguous tensors.
    return save({name: tensor.cpu().contiguous() for name, tensor in network.state_dict().items()})


def native_files_in(directory: Path) -> dict[str, bytes]:
    """Returns the native files in ``directory`` by name, which must be those of a network.

    Raises:
        ChampionError: As `read_native`.
    """
    read_native(directory)
    names = (GENOME_FILE, ARCHITECTURE_FILE, WEIGHTS_FILE, PREPARATION_FILE)
    return {name: (directory / name).read_bytes() for name in names if (directory / name).exists()}


def read_native(directory: str | os.PathLike[str]) -> Network:
    """Returns an exported network in evaluation mode; it gives the same outputs as when it was exported.

    ``network(inputs, lengths=None)`` takes inputs as the task prepares them: float32 ``(batch, time, features)`` or
    int64 tokens ``(batch, time)``. It returns ``(batch, outputs)``, or ``(batch, time, outputs)`` if every step has an
    output. Nothing in the directory is executed.

    Raises:
        ChampionError: A file is missing, damaged, of a newer format, or does not fit the others.
    """
    directory = Path(directory)
    signature = _read_signature(directory)
    try:
        architecture = from_json(_read_text(directory / ARCHITECTURE_FILE))
    except GenomeError as error:
        raise ChampionError(
            f"{directory / ARCHITECTURE_FILE} is damaged: {error}; export it again"
        ) from error
    _check_size(directory / WEIGHTS_FILE, architecture, signature=signature)
    try:
        network = Network(architecture, signature)
        network.load_state_dict(load_file(directory / WEIGHTS_FILE))
    except (GenomeError, RuntimeError, SafetensorError) as error:
        raise ChampionError(
            f"{directory / WEIGHTS_FILE} does not fit {ARCHITECTURE_FILE}: {error}"
        ) from error
    return network.eval()


def read_preparation(directory: str | os.PathLike[str]) -> Preparation:
    """Returns what leads from raw sequences to the inputs of an exported network, and from its outputs to answers.

    Raises:
        ChampionError: There is no such file, or it is damaged.
    """
    path = Path(directory) / PREPARATION_FILE
    if not path.exists():
        raise ChampionError(
            f"{directory} has no {PREPARATION_FILE}, since its task does not say how raw data are prepared; "
            "load_champion gives the network, which takes prepared inputs"
        )
    try:
        return Preparation.from_json(_read_text(path, most=MAX_PREPARATION_BYTES))
    except DataError as error:
        raise ChampionError(f"{path}: {error}; export it again") from error


def _read_signature(directory: Path) -> Signature:
    path = directory / GENOME_FILE
    try:
        facts = _GenomeFile.model_validate_json(_read_text(path))
    except GenomeError as error:
        raise ChampionError(f"{path} is damaged: {error}; export it again") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise ChampionError(
            f"{path} is damaged at {where or 'its start'}: {first['msg']}; export it again"
        ) from error
    if facts.format > FORMAT:
        raise ChampionError(
            f"{path} has format {facts.format}; this evo-nas reads up to {FORMAT}: install a newer one"
        )
    return facts.signature


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
