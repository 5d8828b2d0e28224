"""Compiles an exported C file and calls it."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import numpy as np

from evo_nas.errors import ChampionError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy.typing as npt

    from evo_nas.champion.exporters.c99.file import CFile

STRICT = ("-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic", "-O2")
"""Flags with which every exported file compiles."""
COMPILERS = ("cc", "gcc", "clang")
LIMIT_S = 300


def find_compiler() -> str | None:
    """Returns the path of a C compiler; None if there is none."""
    return next(filter(None, map(shutil.which, COMPILERS)), None)


def compile_files(
    compiler: str, sources: Sequence[Path], library: Path, *, flags: Sequence[str] = ()
) -> None:
    """Compiles C files strictly into one shared library.

    Raises:
        ChampionError: The compiler refuses a file, of which the message has the first lines, or takes too long.
    """
    command = [compiler, *STRICT, *flags, "-shared", "-fPIC", "-o", str(library), *map(str, sources), "-lm"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=LIMIT_S)  # noqa: S603
    except subprocess.TimeoutExpired as error:
        raise ChampionError(
            f"{compiler} took more than {LIMIT_S} s, so nothing was written; choose a smaller network or another format"
        ) from error
    if done.returncode:
        said = "\n".join(done.stderr.splitlines()[:8])
        names = ", ".join(each.name for each in sources)
        raise ChampionError(
            f"{compiler} refuses {names}, so nothing was written; choose another compiler or format. It says:\n{said}"
        )


class Compiled:
    """A compiled model.

    Args:
        library: What `compile_files` wrote.
        file: What the model's names and sizes are.
    """

    def __init__(self, library: Path, file: CFile) -> None:
        self._file = file
        self._library = ctypes.CDLL(str(library))
        answer = ctypes.POINTER(ctypes.c_float)
        self._function = getattr(self._library, f"{file.name}_{'step' if file.streams else 'predict'}")
        self._function.restype = answer
        if file.streams and not file.inputs:
            self._function.argtypes = [ctypes.c_int32]

    def every_step(self, sequence: npt.NDArray[np.generic]) -> npt.NDArray[np.float32]:
        """Returns the answers ``(time, outputs)`` after each step of a sequence, from its beginning.

        Args:
            sequence: Raw values ``(time, inputs)``, or ids ``(time,)``; the model streams.
        """
        getattr(self._library, f"{self._file.name}_reset")()
        return np.stack([self._copied(self._step(step), self._file.outputs) for step in sequence])

    def whole(self, sequence: npt.NDArray[np.generic], *, per_step: bool = False) -> npt.NDArray[np.float32]:
        """Returns the answer for a sequence ``(outputs,)``, or ``(time, outputs)`` if each step has one.

        Raises:
            ChampionError: The sequence is longer than the window that the file was compiled for.
        """
        if self._file.streams:
            answers = self.every_step(sequence)
            return answers if per_step else answers[-1]
        kind = np.float32 if self._file.inputs else np.int32
        window = np.ascontiguousarray(sequence, dtype=kind)
        found = self._function(window.ctypes.data_as(ctypes.c_void_p), ctypes.c_int32(len(window)))
        if not found:
            raise ChampionError(f"{self._file.name}_predict refuses a window of {len(window)} steps")
        if not per_step:
            return self._copied(found, self._file.outputs)
        return self._copied(found, len(window) * self._file.outputs).reshape(len(window), -1)

    def _step(self, step: npt.NDArray[np.generic]) -> Any:
        if not self._file.inputs:
            return self._function(int(step))
        values = np.ascontiguousarray(step, dtype=np.float32)
        return self._function(values.ctypes.data_as(ctypes.c_void_p))

    @staticmethod
    def _copied(pointer: Any, size: int) -> npt.NDArray[np.float32]:
        return np.array(pointer[:size], dtype=np.float32)
