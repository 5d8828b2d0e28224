"""An exported champion: plain JSON and safetensors in a directory, and the way back to a network.

::

    genome.json          the genome, the space it is written in, and where it comes from
    architecture.json    layers, cells and head, as `genome.codec` writes them
    model.safetensors    the weights, by the names of the network's parameters
"""

from __future__ import annotations

import json
import os
import shutil
import stat
import tempfile
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file

from evo_nas.errors import ChampionError, GenomeError
from evo_nas.genome.architecture import MAX_WIDTH, Signature
from evo_nas.genome.codec import from_json, to_json
from evo_nas.genome.parameters import count_parameters
from evo_nas.models.network import Network

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Self

    from evo_nas.genome.architecture import Architecture
    from evo_nas.genome.space import Genome, SpaceOptions

FORMAT = 1
MAX_JSON_BYTES = 1_000_000
GENOME_FILE, ARCHITECTURE_FILE, WEIGHTS_FILE = "genome.json", "architecture.json", "model.safetensors"
_Size = Field(ge=0, le=MAX_WIDTH)


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a champion comes from.

    Attributes:
        genome: As it was evaluated.
        canonical_hash: Identity of its architecture.
        space: What the genome is written in, with the epochs that it was trained for.
        epochs: See ``space``.
        run_id: The run it won.
        candidate: Its id there.
    """

    genome: Genome
    canonical_hash: str
    space: SpaceOptions
    epochs: int
    run_id: str
    candidate: int


class _SignatureModel(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    features: int = _Size
    outputs: int = Field(ge=1, le=MAX_WIDTH)
    vocabulary: int = Field(ge=0, le=10_000_000)
    per_step: bool
    last_values: tuple[int, ...] = ()
    predicts_inputs: bool = False

    @model_validator(mode="after")
    def _last_values_are_features(self) -> Self:
        if len(self.last_values) > self.outputs or not all(
            0 <= at < self.features for at in self.last_values
        ):
            raise ValueError("last_values must be positions of features, at most as many as outputs")
        return self


class _GenomeFile(BaseModel):
    """What loading needs of ``genome.json``; the rest is for people and for going on searching."""

    format: int
    signature: _SignatureModel


def write_champion(directory: Path, network: Network, provenance: Provenance) -> None:
    """Writes ``network`` into an existing directory; see the module for the files."""
    facts = asdict(provenance) | {
        "format": FORMAT,
        "space": provenance.space.model_dump(mode="json"),
        "signature": asdict(network.signature),
    }
    (directory / GENOME_FILE).write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
    (directory / ARCHITECTURE_FILE).write_text(to_json(network.architecture) + "\n", encoding="utf-8")
    weights = {name: tensor.cpu().contiguous() for name, tensor in network.state_dict().items()}
    save_file(weights, directory / WEIGHTS_FILE)
    # Weights are written for their owner alone; they are no more secret than what lies beside them.
    (directory / WEIGHTS_FILE).chmod((directory / GENOME_FILE).stat().st_mode)


def load_champion(directory: str | os.PathLike[str]) -> Network:
    """Returns the exported network, in evaluation mode, giving the outputs that it gave when it was exported.

    ``network(inputs, lengths=None)`` takes what the task prepared: float32 ``(batch, time, features)`` or int64
    tokens ``(batch, time)``, and gives ``(batch, outputs)``, or ``(batch, time, outputs)`` if every step has one.
    Nothing in the directory is executed.

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


@contextmanager
def replaced(directory: Path) -> Iterator[Path]:
    """Yields an empty directory that takes the place of ``directory`` if the body succeeds, whole or not at all.

    A kill or a power cut leaves the old one, the new one or none.
    """
    directory.parent.mkdir(parents=True, exist_ok=True)
    outer = Path(tempfile.mkdtemp(prefix=f".{directory.name}-", dir=directory.parent))
    fresh = outer / "new"
    try:
        fresh.mkdir()
        yield fresh
        for path in (*fresh.iterdir(), fresh):
            _sync(path)
        with suppress(FileNotFoundError):
            directory.rename(outer / "old")
        fresh.rename(directory)
        _sync(directory.parent)
    finally:
        shutil.rmtree(outer, ignore_errors=True)


def _sync(path: Path) -> None:
    """Waits until what is at ``path`` is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _read_signature(directory: Path) -> Signature:
    path = directory / GENOME_FILE
    try:
        facts = _GenomeFile.model_validate_json(_read_text(path))
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
    return Signature(**facts.signature.model_dump())


def _read_text(path: Path) -> str:
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise ChampionError(f"{path} is not a file; give the directory of an exported champion")
        if status.st_size > MAX_JSON_BYTES:
            raise ChampionError(f"{path} has {status.st_size} bytes; at most {MAX_JSON_BYTES} are read")
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ChampionError(
            f"{path} cannot be read: {error}; give the directory of an exported champion"
        ) from error


def _check_size(path: Path, architecture: Architecture, *, signature: Signature) -> None:
    """Refuses weights of another size before a network of the size that the architecture claims is built."""
    try:
        with safe_open(path, framework="pt") as weights:
            shapes: list[Any] = [weights.get_slice(name).get_shape() for name in weights.keys()]  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise ChampionError(f"{path} cannot be read: {error}; export it again") from error
    stored = sum(_product(shape) for shape in shapes)
    expected = count_parameters(architecture, signature)
    if stored != expected:
        raise ChampionError(
            f"{path} holds {stored} weights; {ARCHITECTURE_FILE} needs {expected}: export it again"
        )


def _product(shape: list[int]) -> int:
    product = 1
    for size in shape:
        product *= size
    return product
