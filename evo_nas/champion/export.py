"""Exports the champion of a run, and finds the files of one."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from evo_nas.champion.exporters.native import native_files_in
from evo_nas.champion.exporters.registry import EXPORTERS
from evo_nas.config import nearest
from evo_nas.errors import ChampionError
from evo_nas.runs import Run

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Mapping


def check_target(out: Path, kind: str) -> None:
    """Checks that an export in the format ``kind`` can be written to ``out``.

    Raises:
        ChampionError: ``out`` is not a new or empty directory, or there is no such format.
    """
    if kind not in EXPORTERS:
        raise ChampionError(f"format is {kind}; {nearest(kind, sorted(EXPORTERS))}")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ChampionError(f"{out} exists and is not an empty directory; name a new one with --out")


def export_champion(run: Run, out: Path, *, kind: str = "native") -> list[Path]:
    """Writes the champion of ``run`` to the directory ``out`` and returns the files.

    Args:
        run: A run that was judged.
        out: A directory that is new or empty.
        kind: Name of the format.

    Raises:
        ChampionError: `check_target` refuses ``out`` or ``kind``, or the run was not judged yet.
    """
    check_target(out, kind)
    champion = run.champion.files()
    if not champion:
        raise ChampionError(f"{run} keeps no champion yet; `evo-nas resume` goes on to the verdict")
    return _write(EXPORTERS[kind].files(champion), out)


def _write(files: Mapping[str, bytes], out: Path) -> list[Path]:
    out.mkdir(parents=True, exist_ok=True)
    # Written to a temporary folder and then renamed, so that a full disk leaves no partial export.
    with TemporaryDirectory(prefix=".", dir=out) as fresh:
        for name, content in files.items():
            (Path(fresh) / name).write_bytes(content)
        for name in files:
            (Path(fresh) / name).rename(out / name)
    return sorted(out.iterdir())


def export_network(folder: Path, out: Path, *, kind: str = "native") -> list[Path]:
    """Writes the network in ``folder``, such as initial weights that were meta-learnt, as `export_champion` does.

    Raises:
        ChampionError: `check_target` refuses ``out`` or ``kind``, or there is no whole network in ``folder``.
    """
    check_target(out, kind)
    return _write(EXPORTERS[kind].files(native_files_in(folder)), out)


@contextmanager
def champion_folder(place: str | os.PathLike[str]) -> Iterator[Path]:
    """Yields a folder with the native files of an exported champion, or of the champion that a run keeps.

    Raises:
        ChampionError: The run keeps no champion.
    """
    run = Run.at(place)
    if not run.exists:
        yield Path(place)
        return
    files = run.champion.files()
    if not files:
        raise ChampionError(f"{run} keeps no champion yet; `evo-nas resume` goes on to the verdict")
    # A run may be in a bucket, but safetensors reads files.
    with TemporaryDirectory() as folder:
        for name, content in files.items():
            (Path(folder) / name).write_bytes(content)
        yield Path(folder)
