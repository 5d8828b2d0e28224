"""A champion without its weights as one JSON document, and the model that it describes."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter

from evo_nas.errors import ChampionError, GenomeError
from evo_nas.genome.architecture import Signature
from evo_nas.genome.codec import from_json, to_json
from evo_nas.models.ensemble import Link, model_of
from evo_nas.models.network import Network

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from evo_nas.champion.exporters.exporter import Exportable
    from evo_nas.models.ensemble import Model

FORMAT = 1
_OF_FILES = frozenset({"format", "signature", "link", "members"})
"""What ``genome.json`` of the native format says of its files; all else is of the champion."""


def described(champion: Exportable) -> dict[str, Any]:
    """Returns everything but the weights as plain JSON values: origin, architectures, signature, preparation."""
    members = zip(champion.members, champion.shares, strict=True)
    prepared = champion.preparation
    return {
        "format": FORMAT,
        "name": champion.name,
        "origin": {name: value for name, value in champion.facts.items() if name not in _OF_FILES},
        "signature": asdict(champion.signature),
        "link": str(champion.link),
        "members": [
            {"share": share, "architecture": json.loads(to_json(network.architecture))}
            for network, share in members
        ],
        "preparation": None if prepared is None else json.loads(prepared.to_json()),
    }


def rebuilt(facts: Mapping[str, Any], weights: Mapping[str, Tensor]) -> Model:
    """Returns the model that `described` gave ``facts`` of, with ``weights`` by the names of its parameters.

    Raises:
        ChampionError: The weights or the facts do not fit together.
    """
    signature = TypeAdapter(Signature).validate_json(json.dumps(facts["signature"]))
    try:
        networks = [
            Network(from_json(json.dumps(member["architecture"])), signature) for member in facts["members"]
        ]
        model = model_of(
            networks, link=Link(facts["link"]), shares=[member["share"] for member in facts["members"]]
        )
        model.load_state_dict(dict(weights))
    except (GenomeError, RuntimeError) as error:
        raise ChampionError(f"the weights do not fit the architecture: {error}; export it again") from error
    return model
