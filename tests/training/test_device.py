from __future__ import annotations

import pytest
import torch

from evo_nas.errors import ConfigError
from evo_nas.training.device import device_name, resolve_device

GPU = torch.cuda.is_available()


def test_auto_is_the_gpu_where_there_is_one() -> None:
    assert resolve_device("auto").type == ("cuda" if GPU else "cpu")


def test_the_cpu_is_always_there() -> None:
    assert resolve_device("cpu").type == device_name("cpu") == "cpu"


@pytest.mark.skipif(GPU, reason="this machine has a GPU")
def test_a_gpu_that_is_not_there_is_refused() -> None:
    with pytest.raises(ConfigError, match="this process sees no GPU: set it to auto"):
        resolve_device("cuda")
