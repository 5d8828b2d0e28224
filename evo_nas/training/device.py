"""Where networks are trained."""

from __future__ import annotations

import torch

from evo_nas.errors import ConfigError


def resolve_device(choice: str) -> torch.device:
    """Returns the device that ``auto``, ``cpu`` or ``cuda`` means in this process.

    Raises:
        ConfigError: ``cuda`` is wanted and there is none.
    """
    gpu = torch.cuda.is_available()
    if choice == "auto":
        return torch.device("cuda" if gpu else "cpu")
    if choice == "cuda" and not gpu:
        raise ConfigError(
            "training.device is cuda; this process sees no GPU: set it to auto, or give workers.gpus a share"
        )
    return torch.device(choice)


def device_name(choice: str) -> str:
    """Returns what ``choice`` means here in words, such as ``cpu`` or ``cuda (NVIDIA H100)``."""
    device = resolve_device(choice)
    return f"cuda ({torch.cuda.get_device_name(device)})" if device.type == "cuda" else device.type
