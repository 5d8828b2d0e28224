"""Where networks are trained."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from evo_nas.errors import ConfigError

if TYPE_CHECKING:
    from evo_nas.training.step import Precision


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


def check_precision(precision: Precision, device: torch.device) -> None:
    """Raises `ConfigError` if networks cannot be trained in ``precision`` on ``device``."""
    if precision == "bfloat16" and device.type == "cpu":
        raise ConfigError(
            "training.precision is bfloat16; this process trains on its CPU, where it must be float32: "
            "set it so, or give workers.gpus a share"
        )


def device_name(choice: str) -> str:
    """Returns what ``choice`` means here in words, such as ``cpu`` or ``cuda (NVIDIA H100)``."""
    device = resolve_device(choice)
    return f"cuda ({torch.cuda.get_device_name(device)})" if device.type == "cuda" else device.type
