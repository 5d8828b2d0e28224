"""How the interpreter comes onto a machine."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from functools import lru_cache
from pathlib import Path

import pytest

from evo_nas.genome.cells import NAMED_CELLS
from evo_nas.models.backends import backend_for
from evo_nas.models.native import NativeRecurrence, build

needs_compiler = pytest.mark.skipif(
    not build.native_status().available, reason=build.native_status().explanation
)


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    """An empty cache, in a process that has not looked for the interpreter yet."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    for name in ("native_status", "native_library"):
        monkeypatch.setattr(build, name, lru_cache(getattr(build, name).__wrapped__))
    return tmp_path / "evo-nas"


def compiler_that(directory: Path, script: str) -> Path:
    """A compiler in ``directory`` that does what ``script`` says."""
    compiler = directory / "c++"
    compiler.write_text(f"#!/bin/sh\n{script}\n")
    compiler.chmod(0o755)
    return compiler


@needs_compiler
def test_it_is_built_once_and_found_again(cache) -> None:
    built = build.built_library()
    first = built.stat()
    assert build.built_library() == built
    assert built.stat().st_mtime_ns == first.st_mtime_ns
    assert [path.name for path in cache.glob("*.so")] == [built.name]


@needs_compiler
def test_workers_that_start_together_build_it_once(cache) -> None:
    code = (
        "from evo_nas.models.native import build; import sys; sys.exit(not build.native_status().available)"
    )
    workers = [subprocess.Popen([sys.executable, "-c", code], env=os.environ) for _ in range(3)]
    assert [worker.wait() for worker in workers] == [0, 0, 0]
    assert len(list(cache.iterdir())) == 2  # the library and the lock


def test_without_a_compiler_cells_run_in_python_and_one_warning_says_so(
    cache, tmp_path, monkeypatch, caplog
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setattr("evo_nas.models.native.recurrence.native_status", build.native_status)
    with caplog.at_level(logging.WARNING):
        chosen = [backend_for(NAMED_CELLS[name]).backend_name for name in ("lstm", "mgu")]

    assert chosen == ["torch", "bptt"]
    assert len(caplog.messages) == 1
    assert "no C++ compiler (c++, g++, clang++) is on PATH; install one or set CXX" in caplog.text


def test_what_the_compiler_complains_of_is_shown(cache, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("CXX", str(compiler_that(tmp_path, "echo 'error: no space left' >&2; exit 1")))
    status = build.native_status()
    assert not status.available
    assert status.explanation.endswith("failed: error: no space left")
    assert not list(cache.glob("*.so"))


def test_a_library_that_cannot_be_loaded_is_named(cache, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("CXX", str(compiler_that(tmp_path, 'for last; do :; done; echo broken > "$last"')))
    status = build.native_status()
    assert not status.available
    assert "cannot be loaded" in status.explanation


def test_a_cache_that_cannot_be_written_is_named(cache, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("CXX", str(compiler_that(tmp_path, "exit 0")))
    cache.write_text("a file where the directory should be")
    status = build.native_status()
    assert not status.available
    assert "set XDG_CACHE_HOME" in status.explanation


WRITES_ITS_ARGUMENTS = 'for last; do :; done; echo "$0 $@" > "$last"'


@pytest.fixture
def only_here(tmp_path, monkeypatch) -> Path:
    """A directory that alone is searched for compilers."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)
    return tmp_path


def test_a_compiler_is_called_by_the_name_that_was_found(cache, only_here) -> None:
    compiler = compiler_that(only_here, WRITES_ITS_ARGUMENTS)
    compiler.rename(only_here / "ccache")
    compiler.symlink_to("ccache")
    assert build.built_library().read_text().startswith(f"{compiler} -std=c++17 ")


def test_all_words_of_the_chosen_compiler_are_used(cache, only_here, monkeypatch) -> None:
    compiler = compiler_that(only_here, WRITES_ITS_ARGUMENTS)
    plain = build.built_library()
    plain.unlink()
    monkeypatch.setenv("CXX", f"{compiler} -m64 '-DTITLE=two words'")
    built = build.built_library()
    assert built.read_text().startswith(f"{compiler} -m64 -DTITLE=two words -std=c++17 ")
    assert built != plain


def test_a_choice_of_compiler_that_cannot_be_read_is_named(cache, only_here, monkeypatch) -> None:
    monkeypatch.setenv("CXX", "g++ 'unfinished")
    assert 'CXX is "g++ \'unfinished": No closing quotation' in build.native_status().explanation


def test_where_one_compiler_fails_the_next_is_tried(cache, only_here, monkeypatch) -> None:
    compiler = compiler_that(only_here, WRITES_ITS_ARGUMENTS)
    compiler.rename(only_here / "g++")
    broken = compiler_that(only_here, "exit 1")
    built = build.built_library()
    assert built.read_text().startswith(str(only_here / "g++"))
    broken.unlink()
    assert build.built_library() == built


def test_a_library_outlives_its_compiler(cache, only_here, monkeypatch) -> None:
    compiler = compiler_that(only_here, WRITES_ITS_ARGUMENTS)
    built = build.built_library()
    compiler.unlink()
    assert build.built_library() == built
    monkeypatch.setattr(build, "_processor", lambda: "flags: another processor")
    with pytest.raises(build.BuildError, match="no C\\+\\+ compiler"):
        build.built_library()


def test_without_a_home_cells_run_in_python_and_the_notice_says_what_to_do(cache, monkeypatch) -> None:
    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(Path, "home", homeless)
    status = build.native_status()
    assert not status.available
    assert status.explanation.endswith("set XDG_CACHE_HOME to a directory that can be written")


@needs_compiler
def test_a_machine_without_the_newest_instructions_gets_its_own_library(cache, monkeypatch) -> None:
    here = build.built_library()
    monkeypatch.setattr(build, "_processor", lambda: "flags: sse2")
    assert build.built_library() != here


@needs_compiler
def test_where_it_is_available_every_cell_runs_on_it_on_cpus_only() -> None:
    assert {backend_for(cell) for cell in NAMED_CELLS.values()} == {NativeRecurrence}
    on_gpu = {name: backend_for(cell, device="cuda").backend_name for name, cell in NAMED_CELLS.items()}
    assert on_gpu["lstm"] == on_gpu["gru"] == "torch"
    assert on_gpu["enas"] == "bptt"
