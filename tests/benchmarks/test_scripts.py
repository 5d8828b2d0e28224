"""The scripts in `benchmarks/` fit the program that they measure."""

import pkgutil
from importlib import import_module

import pytest

import benchmarks

SCRIPTS = [module.name for module in pkgutil.iter_modules(benchmarks.__path__)]


@pytest.mark.parametrize("name", SCRIPTS)
def test_what_a_script_needs_is_there(name: str) -> None:
    if name == "numba_gru":
        pytest.importorskip("numba", reason="is compared with, and no part of the program")
    import_module(f"benchmarks.{name}")
