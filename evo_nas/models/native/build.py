"""Builds the interpreter once per machine, at first use, into the user's cache."""

from __future__ import annotations

import ctypes
import fcntl
import hashlib
import logging
import os
import platform
import shlex
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from evo_nas.models.native.binding import declare

if TYPE_CHECKING:
    from collections.abc import Iterator

SOURCE = Path(__file__).with_name("interpreter.cpp")
HEADER = Path(__file__).with_name("kernels.h")
COMPILERS = ("c++", "g++", "clang++")
FLAGS = (
    "-std=c++17",
    "-O3",
    "-ffp-contract=fast",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-fPIC",
    "-shared",
)
"""No ``-ffast-math``: the loops are vectors already, and NaN must stay NaN."""
TIMEOUT_S = 120

_log = logging.getLogger(__name__)


class BuildError(Exception):
    """The interpreter cannot be built or loaded here; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class NativeStatus:
    """Whether the native path runs on this machine.

    Attributes:
        available: Whether the interpreter is built and loaded.
        explanation: One line for a person: where it is, or why it is missing and what to do.
    """

    available: bool
    explanation: str


@lru_cache(maxsize=1)
def native_status() -> NativeStatus:
    """Returns whether the interpreter runs here, building it if this machine has not done so yet.

    Without it evolved cells run on the slower path in Python; a warning is logged, once a process.
    """
    try:
        path = built_library()
        native_library()
        return NativeStatus(available=True, explanation=f"native interpreter {path}")
    except BuildError as error:
        explanation = f"no native interpreter, so recurrent cells run slower: {error}"
        _log.warning("%s", explanation)
        return NativeStatus(available=False, explanation=explanation)


@lru_cache(maxsize=1)
def native_library() -> ctypes.CDLL:
    """Returns the loaded interpreter.

    Raises:
        BuildError: There is none.
    """
    path = built_library()
    try:
        return declare(ctypes.CDLL(str(path)))
    except OSError as error:
        raise BuildError(f"{path} cannot be loaded ({error}); remove it to build it again") from error


def built_library() -> Path:
    """Returns the path of the interpreter, built if need be.

    Raises:
        BuildError: It cannot be built.
    """
    compiler = _compiler()
    directory = _cache_directory()
    path = directory / f"interpreter-{_fingerprint(compiler)}.so"
    if path.exists():
        return path
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with _one_builder(directory):
            if not path.exists():
                _build(compiler, path)
    except OSError as error:
        raise BuildError(
            f"{directory} cannot be written ({error}); set XDG_CACHE_HOME to a directory that can"
        ) from error
    return path


def _compiler() -> Path:
    named = shlex.split(os.environ.get("CXX", ""))[:1]
    for name in (*named, *COMPILERS):
        found = shutil.which(name)
        if found is not None:
            return Path(found).resolve()
    raise BuildError(f"no C++ compiler ({', '.join(COMPILERS)}) is on PATH; install one or set CXX")


def _cache_directory() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "evo-nas"


def _fingerprint(compiler: Path) -> str:
    """Returns a name for everything that the library depends on: source, flags, compiler and processor."""
    stat = compiler.stat()
    identity = (
        *FLAGS,
        str(compiler),
        str(stat.st_size),
        str(stat.st_mtime_ns),
        platform.machine(),
        _processor(),
    )
    return hashlib.sha256(
        "\n".join(identity).encode() + SOURCE.read_bytes() + HEADER.read_bytes()
    ).hexdigest()[:16]


def _processor() -> str:
    """Returns what identifies the instructions of this processor: a cache may be shared between machines."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line for line in lines if line.startswith(("flags", "Features"))), platform.processor())


@contextmanager
def _one_builder(directory: Path) -> Iterator[None]:
    """Lets one process build while others wait; where locks do not work, renaming alone keeps it safe."""
    with (directory / "build.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
        except OSError:
            _log.debug("%s does not support locks; building without one", directory)
        yield


def _build(compiler: Path, path: Path) -> None:
    """Compiles to a temporary name beside ``path`` and renames, so that nobody loads half a library."""
    with tempfile.TemporaryDirectory(dir=path.parent) as directory:
        built = Path(directory) / path.name
        complaint = ""
        for target in (("-march=native",), ()):
            complaint = _compile([str(compiler), *FLAGS, *target, str(SOURCE), "-o", str(built)])
            if not complaint:
                built.replace(path)
                return
    raise BuildError(f"{compiler} failed: {complaint}")


def _compile(command: list[str]) -> str:
    """Runs the compiler and returns its first complaint, empty if it succeeded."""
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)  # noqa: S603
    except subprocess.TimeoutExpired:
        return f"no result within {TIMEOUT_S} s"
    if result.returncode == 0:
        return ""
    return next(iter(result.stderr.splitlines()), f"exit code {result.returncode}")
