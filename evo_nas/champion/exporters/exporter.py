"""The contract of every export format."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Mapping


class Exporter(ABC):
    """Turns the champion that a run keeps into the files of one format.

    Attributes:
        name: What ``evo-nas export --format`` calls it.
    """

    name: ClassVar[str]

    @abstractmethod
    def files(self, champion: Mapping[str, bytes]) -> dict[str, bytes]:
        """Returns the content of each file by name.

        Args:
            champion: The native files; `native.read_native` makes a network of them.

        Raises:
            ChampionError: The format cannot express this champion.
        """
