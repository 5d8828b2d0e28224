"""Builds the interpreter once per machine, at its first use, in the user's cache."""

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

from evo_nas.genome.ops import GUARD, LARGEST_EXPONENT, Op
from evo_nas.models.native.binding import declare

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SOURCE = Path(__file__).with_name("interpreter.cpp")
HEADERS = tuple(sorted(SOURCE.parent.glob("*.h")))
COMPILERS = ("c++", "g++", "clang++")
FLAGS = (
    "-std=c++17",
    "-O3",
    "-ffp-contract=fast",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-fPIC",
    "-shared",
    "-DOP_NUMBERS=" + ",".join(f"OP_{op.name}={op.row.number}" for op in Op),
    f"-DGUARD={GUARD}f",
    f"-DLARGEST_EXPONENT={LARGEST_EXPONENT}f",
)
"""No ``-ffast-math``: the loops are vectors already, and NaN must stay NaN. The numbers of the operations are part of
the library's identity, so that one built for another table is never loaded."""
TIMEOUT_S = 120

Command = tuple[str, ...]
"""A compiler and flags of its own."""

_log = logging.getLogger(__name__)


class BuildError(Exception):
    """The interpreter cannot be built or loaded here; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class NativeStatus:
    """Whether the native backend runs on this machine.

    Attributes:
        available: Whether the interpreter is built and loaded.
        explanation: One line: its path, or why it is missing and what to do.
    """

    available: bool
    explanation: str


@lru_cache(maxsize=1)
def native_status() -> NativeStatus:
    """Returns whether the interpreter runs here, building it if this machine has not done so yet.

    Without it evolved cells run on the slower backend in Python, and each process logs one warning.
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
    directory = _cache_directory()
    compilers = _compilers()
    try:
        cached = _cached(directory, compilers)
        if cached is not None:
            return cached
        if not compilers:
            raise BuildError(f"no C++ compiler ({', '.join(COMPILERS)}) is on PATH; install one or set CXX")
        directory.mkdir(parents=True, exist_ok=True)
        with _one_builder(directory):
            return _cached(directory, compilers) or _build(directory, compilers)
    except OSError as error:
        raise BuildError(
            f"{directory} cannot be written ({error}); set XDG_CACHE_HOME to a directory that can"
        ) from error


def _compilers() -> list[Command]:
    """Returns the compilers of this machine; the one that CXX names comes first, with its flags."""
    try:
        named = shlex.split(os.environ.get("CXX", ""))
    except ValueError as error:
        raise BuildError(
            f"CXX is {os.environ['CXX']!r}: {error}; set it to a compiler and its flags"
        ) from error
    commands = []
    for name, *flags in filter(None, (named, *([name] for name in COMPILERS))):
        found = shutil.which(name)  # links are kept: ccache looks at the name that it is called by
        if found is not None:
            commands.append((found, *flags))
    return list(dict.fromkeys(commands))


def _cache_directory() -> Path:
    chosen = os.environ.get("XDG_CACHE_HOME")
    try:
        return (Path(chosen) if chosen else Path.home() / ".cache") / "evo-nas"
    except RuntimeError as error:
        raise BuildError(f"{error}; set XDG_CACHE_HOME to a directory that can be written") from error


def _cached(directory: Path, compilers: Sequence[Command]) -> Path | None:
    """Returns a library that one of these compilers built before; without compilers, any for such a processor."""
    paths = [_path(directory, command) for command in compilers] or sorted(directory.glob(f"{_stem()}-*.so"))
    return next((path for path in paths if path.exists()), None)


def _path(directory: Path, command: Command) -> Path:
    """Returns where the library of a compiler belongs.

    Size and time of the compiler's file are part of the name, so that an upgraded compiler builds again.
    """
    compiler = Path(command[0]).resolve()
    stat = compiler.stat()
    identity = (*command, str(compiler), str(stat.st_size), str(stat.st_mtime_ns))
    return directory / f"{_stem()}-{_digest(*identity)}.so"


def _stem() -> str:
    """Returns a name for everything but the compiler that the library depends on: source, flags and processor."""
    sources = [file.read_text(encoding="utf-8") for file in (SOURCE, *HEADERS)]
    return f"interpreter-{_digest(*FLAGS, platform.machine(), _processor(), *sources)}"


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def _processor() -> str:
    """Returns a text that identifies the instruction set of the processor, since machines may share a cache."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line for line in lines if line.startswith(("flags", "Features"))), platform.processor())


@contextmanager
def _one_builder(directory: Path) -> Iterator[None]:
    """Lets one process build while others wait; where locks do not work, the renaming still keeps it safe."""
    with (directory / "build.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
        except OSError:
            _log.debug("%s does not support locks; building without one", directory)
        yield


def _build(directory: Path, compilers: Sequence[Command]) -> Path:
    """Compiles to a temporary name and renames, so that no process loads half a library; the first success counts."""
    complaints = []
    with tempfile.TemporaryDirectory(dir=directory) as scratch:
        built = Path(scratch) / "interpreter.so"
        for command in compilers:
            # Some compilers do not know the processor's name; a library for any such machine is better than none.
            complaint = _compile(command, "-march=native", built) and _compile(command, "", built)
            if not complaint:
                return built.replace(_path(directory, command))
            complaints.append(f"{shlex.join(command)} failed: {complaint}")
    raise BuildError("; ".join(complaints))


def _compile(command: Command, target: str, built: Path) -> str:
    """Runs a compiler; returns its first complaint, or an empty string if it succeeded."""
    line = [*command, *FLAGS, *filter(None, [target]), str(SOURCE), "-o", str(built)]
    try:
        result = subprocess.run(line, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)  # noqa: S603
    except OSError as error:
        return str(error)
    except subprocess.TimeoutExpired:
        return f"no result within {TIMEOUT_S} s"
    if result.returncode == 0:
        return ""
    return next(iter(result.stderr.splitlines()), f"exit code {result.returncode}")
