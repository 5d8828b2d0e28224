"""`Costs`: what running a network takes, known before it is built: arithmetic, states, description, energy.

The energy is an estimate for a small processor with the figures that Horowitz gives for 45 nm at 0.9 V ("Computing's
Energy Problem", ISSCC 2014): of single-precision arithmetic, and of an access to the smallest memory that holds weights
and states. Networks can be compared by it; no device draws exactly that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from evo_nas.genome.description_length import description_bits
from evo_nas.genome.footprint import FLOAT_BYTES, state_bytes
from evo_nas.genome.network_work import steps_of, work_of
from evo_nas.genome.parameters import count_parameters
from evo_nas.genome.work import Work

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evo_nas.genome.architecture import Architecture, Signature

ADDITION_PJ = 0.9
PRODUCT_PJ = 3.7
FUNCTION_PJ = 7 * PRODUCT_PJ
"""A division or a function: about seven products, what a division takes on a Cortex-M4F."""
WORD_PJ: tuple[tuple[float, float], ...] = (
    (8 * 2**10, 5.0),
    (32 * 2**10, 10.0),
    (2**20, 50.0),
    (float("inf"), 650.0),
)
"""Bytes of a memory, and picojoules of an access to 32 bits: half of those to 64 bits. The last one is DRAM, at its
least."""


@dataclass(frozen=True, slots=True)
class Costs:
    """The costs of a network.

    Attributes:
        parts: Work of one example by part; see `network_work.work_of`.
        steps: Steps of that example; of a stream, a stretch of it.
        parameters: Trainable parameters.
        state_bytes: Bytes that are kept from step to step; see `footprint.state_bytes`.
        description_bits: Length of the architecture in bits; see `description_length`.
    """

    parts: Mapping[str, Work]
    steps: int
    parameters: int
    state_bytes: int
    description_bits: float

    @classmethod
    def of(cls, architecture: Architecture, signature: Signature) -> Costs:
        """Returns the costs of ``architecture`` for a task with ``signature``."""
        return cls(
            parts=work_of(architecture, signature),
            steps=steps_of(architecture, signature),
            parameters=count_parameters(architecture, signature),
            state_bytes=state_bytes(architecture, signature),
            description_bits=description_bits(architecture),
        )

    @property
    def example(self) -> Work:
        """All parts together: the work of one example."""
        return sum(self.parts.values(), Work())

    @property
    def macs(self) -> float:
        """Multiply-accumulates a step: those of an example, head and shortcut included, divided by its steps."""
        return self.example.macs / self.steps

    @property
    def flops(self) -> float:
        """Floating-point operations a step, counted as `macs` are."""
        return self.example.flops / self.steps

    @property
    def energy_uj(self) -> float:
        """Estimated microjoules a step."""
        work, kept = self.example, FLOAT_BYTES * self.parameters + self.state_bytes
        word_pj = next(energy for size, energy in WORD_PJ if kept <= size)
        arithmetic = (
            work.macs * (PRODUCT_PJ + ADDITION_PJ)
            + work.operations * PRODUCT_PJ
            + work.functions * FUNCTION_PJ
        )
        return 1e-6 * (arithmetic + work.words * word_pj) / self.steps

    @property
    def metrics(self) -> dict[str, float]:
        """The costs by the names that they have among the metrics of an outcome."""
        return {
            "macs": self.macs,
            "flops": self.flops,
            "state_bytes": float(self.state_bytes),
            "description_bits": self.description_bits,
            "energy_uj": self.energy_uj,
        }
