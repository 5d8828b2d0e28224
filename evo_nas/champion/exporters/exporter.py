"""`Exporter`: the interface that every export format implements, and what it is given."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

from evo_nas.champion.exporters.baseline_network import BaselineNetwork, network_of
from evo_nas.errors import ChampionError
from evo_nas.models.ensemble import Ensemble, Link
from evo_nas.models.network import Network

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from evo_nas.champion.exporters.checking import CheckResult
    from evo_nas.genome.architecture import Signature
    from evo_nas.models.ensemble import Model
    from evo_nas.tasks.preparation import Preparation


@dataclass(frozen=True, slots=True)
class Exportable:
    """A champion as every format takes it.

    Attributes:
        name: What it is called in titles of files; any text.
        model: The network, ensemble or baseline, in evaluation mode on the CPU.
        native: The native files by name; see `native.native_files`.
        facts: What ``genome.json`` says: origin, genome, search space, signature, members.
        preparation: What leads from raw data to inputs and from outputs to answers; None if its task does not say.
        link: The scale of its outputs; it tells logits of classes from logits of labels and from numbers.
    """

    name: str
    model: Model | BaselineNetwork
    native: Mapping[str, bytes]
    facts: Mapping[str, Any]
    preparation: Preparation | None = None
    link: Link = Link.VALUES

    @property
    def signature(self) -> Signature:
        """Shape of inputs and outputs."""
        return self.model.signature

    @property
    def network(self) -> Model:
        """The network or ensemble that formats write as code or graph.

        Raises:
            ChampionError: It is a baseline that no network has the outputs of.
        """
        if not isinstance(self.model, BaselineNetwork):
            return self.model
        network = network_of(self.model)
        if network is None:
            raise ChampionError(
                f"the baseline {self.model.name} is no network and no linear map, which this format could express; "
                "choose the format native, which `evo-nas predict` and load_champion read, or another baseline: "
                "--which baseline:NAME"
            )
        return network

    @property
    def value_preparation(self) -> Preparation | None:
        """The preparation, if raw values alone suffice for it; otherwise formats that compute take prepared inputs."""
        prepared = self.preparation
        return None if prepared is None or prepared.of_values is None else prepared

    @property
    def members(self) -> tuple[Network, ...]:
        """Its networks; one unless it is an ensemble."""
        model = self.network
        if isinstance(model, Network):
            return (model,)
        return tuple(member for member in model.members if isinstance(member, Network))

    @property
    def shares(self) -> tuple[float, ...]:
        """The weight of each of `members`; their sum is 1."""
        return self.model.shares if isinstance(self.model, Ensemble) else (1.0,)


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """What a person may ask of a format; a format that does not take an option refuses it.

    Attributes:
        streaming: Whether the file makes one step a call, states in and out, instead of a whole sequence.
        int8: Whether weights are stored as 8-bit integers.
        opset: Version of the operator set of ONNX; None for the format's own choice.
    """

    streaming: bool = False
    int8: bool = False
    opset: int | None = None

    @property
    def given(self) -> frozenset[str]:
        """Names of the options that differ from their defaults."""
        return frozenset(
            field.name for field in fields(self) if getattr(self, field.name) not in {None, False}
        )


PLAIN = ExportOptions()


class Exporter(ABC):
    """Converts a champion into the files of one format, and compares what it wrote with the model in memory.

    `champion.export` calls the two methods, one after the other, and renames the files only after the second::

        files = exporter.files(champion, options)
        write(files, fresh_folder)
        result = exporter.check(fresh_folder, champion, options)

    The first line of the docstring of a subclass is its line in ``evo-nas export --list``.

    Attributes:
        name: Name of the format in ``evo-nas export --format``.
        takes: Names of the fields of `ExportOptions` that it takes.
        needs: The package without which nothing is written; empty if there is none.
        extra: The optional dependencies of evo-nas that have it.
    """

    name: ClassVar[str]
    takes: ClassVar[frozenset[str]] = frozenset()
    needs: ClassVar[str] = ""
    extra: ClassVar[str] = ""

    @abstractmethod
    def files(self, champion: Exportable, options: ExportOptions) -> dict[str, bytes]:
        """Returns the content of each file by name; a name with slashes lies in folders.

        Raises:
            ChampionError: The format cannot express this champion; `refuse` says which part of it.
        """

    @abstractmethod
    def check(self, folder: Path, champion: Exportable, options: ExportOptions) -> CheckResult:
        """Reads what `files` gave from ``folder`` and compares it with the model.

        Most formats return `checking.compare` of what runs their files; one whose tool is absent here returns
        `checking.Unchecked`.

        Raises:
            ChampionError: The outputs differ by more than the tolerance of the format.
        """

    def refuse(self, what: str, why: str) -> NoReturn:
        """Refuses a champion that the format cannot express.

        Args:
            what: The part of the champion, such as ``a layer that reads backwards``.
            why: The reason, as a clause.

        Raises:
            ChampionError: Always.
        """
        raise ChampionError(
            f"format {self.name} cannot express {what}: {why}; choose another one, `evo-nas export --list` has them all"
        )
