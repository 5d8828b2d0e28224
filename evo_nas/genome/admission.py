"""Which networks are small enough to be trained: the limits of a space, and what they are compared with."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from evo_nas.errors import ConfigError
from evo_nas.genome.blocks import Front, Shortcut
from evo_nas.genome.footprint import activation_bytes, state_bytes
from evo_nas.genome.network_work import flops_a_step
from evo_nas.genome.parameters import count_parameters

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from evo_nas.genome.architecture import Architecture, Signature
    from evo_nas.genome.options import SpaceOptions


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit of a space.

    Attributes:
        option: Name of the option of the space.
        most: The largest size that is permitted.
        unit: What is counted, in words.
        size: Returns the size of an architecture.
    """

    option: str
    most: float
    unit: str
    size: Callable[[Architecture], float]

    def words(self, size: float) -> str:
        """Returns a size in words, such as ``4330 parameters``."""
        return f"{size:.12g} {self.unit}"


class Admission:
    """Compares architectures with the limits of a space before anything is built or dispatched.

    Args:
        options: What may evolve.
        signature: Shapes of the task.
        batch_steps: Steps of a batch of training; None for those of the longest sequence.
    """

    def __init__(
        self, options: SpaceOptions, signature: Signature, *, batch_steps: int | None = None
    ) -> None:
        steps = batch_steps or signature.steps or 1
        limits = (
            ("max_parameters", "parameters", lambda network: count_parameters(network, signature)),
            ("max_flops", "FLOPs a step", lambda network: flops_a_step(network, signature)),
            ("max_state_bytes", "bytes of state", lambda network: state_bytes(network, signature)),
            (
                "max_activation_bytes",
                "bytes of activations",
                lambda network: activation_bytes(
                    network, signature, rows=network.training.batch_size, steps=steps
                ),
            ),
        )
        self._limits = tuple(
            Limit(option, most, unit, size)
            for option, unit, size in limits
            if (most := getattr(options, option)) is not None
        )

    def obstacle(self, architecture: Architecture) -> str:
        """Returns which limit ``architecture`` breaks, and by how much; empty if it keeps all of them."""
        for limit in self._limits:
            if (size := limit.size(architecture)) > limit.most:
                return f"{limit.words(size)} are more than the {limit.most} permitted"
        return ""

    def check(self, small: Callable[[], Iterable[Architecture]]) -> None:
        """Checks that something keeps each limit.

        Args:
            small: Returns architectures of which one is the smallest of the space.

        Raises:
            ConfigError: Even the smallest architecture breaks a limit.
        """
        for limit in self._limits:
            smallest = min(small(), key=limit.size)
            if (size := limit.size(smallest)) <= limit.most:
                continue
            around = size - limit.size(replace(smallest, front=Front(), shortcut=Shortcut()))
            named = f", {around:.12g} of them in front and shortcut" if around > 0 else ""
            others = " others in space.fronts and space.shortcuts," if named else ""
            raise ConfigError(
                f"space.{limit.option} is {limit.most}, but the smallest architecture of the space has "
                f"{limit.words(size)}{named}; raise it, or permit{others} smaller space.widths, fewer layers or other "
                "cells"
            )

    def why_none(self, drawn: Sequence[Architecture]) -> str:
        """Returns why none of the architectures that were drawn at random can be trained."""
        if not self._limits:
            return f"none of {len(drawn)} random architectures has live cells; permit other space.ops or space.cells"
        hardest = min(
            self._limits, key=lambda limit: sum(limit.size(network) <= limit.most for network in drawn)
        )
        smallest = min(map(hardest.size, drawn))
        if smallest > hardest.most:
            return (
                f"space.{hardest.option} is {hardest.most}; the smallest of {len(drawn)} random architectures has "
                f"{hardest.words(smallest)}: raise it, or permit smaller space.widths"
            )
        named = " and ".join(f"space.{limit.option}" for limit in self._limits)
        return (
            f"none of {len(drawn)} random architectures keeps {named}, which hardly any keeps together; raise "
            f"space.{hardest.option}, or permit smaller space.widths"
        )
