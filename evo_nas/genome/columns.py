"""What one network reads and forecasts if it sees the targets of a forecast apart."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from evo_nas.errors import GenomeError
from evo_nas.genome.blocks import Columns

if TYPE_CHECKING:
    from evo_nas.genome.architecture import Architecture, Signature


def targets_of(signature: Signature) -> tuple[int, ...]:
    """Returns for each target of a forecast the feature that holds its last value; nothing if these are not known."""
    features = tuple(dict.fromkeys(signature.last_values))
    levels = len(signature.last_values) // max(len(features), 1)
    # Where the last values differ from step to step, they are not one for each target.
    is_complete = signature.outputs == signature.horizon * len(signature.last_values)
    grouped = tuple(feature for feature in features for _ in range(levels))
    return features if is_complete and grouped == signature.last_values else ()


def network_signature(architecture: Architecture, signature: Signature) -> Signature:
    """Returns the shapes of front end, layers and head: those of one target where columns are read apart.

    The feature of the target comes first, then those that belong to no target.

    Raises:
        GenomeError: Columns are read apart, and the signature does not say which features are the targets.
    """
    if architecture.columns is Columns.TOGETHER:
        return signature
    targets = targets_of(signature)
    if not targets:
        raise GenomeError(
            f"architecture.columns is {Columns.APART}; must be {Columns.TOGETHER} for {signature.outputs} outputs over "
            f"{signature.horizon} steps, of which the last values are the features {list(signature.last_values)}: the "
            "network must read every target"
        )
    return replace(
        signature,
        features=1 + signature.features - len(targets),
        outputs=signature.outputs // len(targets),
        last_values=(0,) * (len(signature.last_values) // len(targets)),
    )


def networks_per_sequence(architecture: Architecture, signature: Signature) -> int:
    """Returns how often front end, layers and head run for each sequence: once for each target that is read apart."""
    return len(targets_of(signature)) if architecture.columns is Columns.APART else 1
