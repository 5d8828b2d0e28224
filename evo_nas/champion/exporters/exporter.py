"""`Exporter`: the interface that every export format implements."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Mapping


class Exporter(ABC):
    """Converts the champion of a run into the files of one format.

    Attributes:
        name: Name of the format in ``evo-nas export --format``.
    """

    name: ClassVar[str]

    @abstractmethod
    def files(self, champion: Mapping[str, bytes]) -> dict[str, bytes]:
        """Returns the content of each file by name.

        Args:
            champion: The native files by name; `native.read_native` makes a network of them.

        Raises:
            ChampionError: The format cannot express this champion.
        """
