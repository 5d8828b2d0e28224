"""Exports the champion of a run, and finds the files of one."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from evo_nas.champion.exporters.baseline_network import is_baseline
from evo_nas.champion.exporters.exporter import PLAIN, Exportable, ExportOptions
from evo_nas.champion.exporters.manifest import MANIFEST_FILE, Manifest, digest
from evo_nas.champion.exporters.native import GENOME_FILE, read_exportable
from evo_nas.champion.exporters.registry import exporter_of
from evo_nas.config import nearest
from evo_nas.errors import ChampionError
from evo_nas.runs import Run
from evo_nas.runs.champion_store import CHAMPION
from evo_nas.tasks.baselines.keeping import slug

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from evo_nas.champion.exporters.checking import CheckResult

BASELINE = "baseline"
"""What ``--which`` calls the baseline with the best validation score; ``baseline:NAME`` is another one."""


@dataclass(frozen=True, slots=True)
class Export:
    """An export that was written.

    Attributes:
        files: Its files, the manifest among them.
        check: The result of the numeric check; `checking.Unchecked` where a tool was absent.
    """

    files: tuple[Path, ...]
    check: CheckResult


def check_target(out: Path, kind: str, options: ExportOptions = PLAIN) -> None:
    """Checks that an export in the format ``kind`` can be written to ``out``.

    Raises:
        ChampionError: ``out`` is not a new or empty directory, or there is no such format, or it does not take one of
            the options.
    """
    exporter_of(kind, options)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ChampionError(f"{out} exists and is not an empty directory; name a new one with --out")


def export_champion(
    run: Run, out: Path, *, kind: str = "native", which: str = CHAMPION, options: ExportOptions = PLAIN
) -> Export:
    """Writes the champion of ``run``, or what it was compared with, to ``out`` after comparing it with the model.

    Args:
        run: A run that was judged.
        out: A directory that is new or empty.
        kind: Name of the format.
        which: What is exported, one of `exported_names`.
        options: What is asked of the format.

    Raises:
        ChampionError: `check_target` refuses, or `kept_files`, or the format cannot express the champion, or its
            outputs differ from the model's.
    """
    check_target(out, kind, options)
    with _folder_of(kept_files(run, which)) as folder:
        name = str(run.record.config.get("name", folder.name))
        return write_export(read_exportable(folder, name=name), out, kind=kind, options=options)


def exported_names(run: Run) -> tuple[str, ...]:
    """Returns the names of all models that ``run`` keeps, for ``--which``: those that were judged, then baselines."""
    baselines = run.baseline_models
    best = (BASELINE,) if baselines else ()
    return (*run.champion.models(), *best, *(f"{BASELINE}:{slug(name)}" for name in baselines))


def is_of_baseline(which: str) -> bool:
    """Whether ``which`` names a baseline, that is best on validation or by its name."""
    return which == BASELINE or which.startswith(f"{BASELINE}:")


def kept_files(run: Run, which: str = CHAMPION) -> dict[str, bytes]:
    """Returns the native files of the champion of ``run``, or of what it was compared with, by name.

    Args:
        run: A run that was judged; for a baseline one that has begun.
        which: One of `exported_names`: ``baseline`` is that with the best validation score, ``baseline:NAME`` another.

    Raises:
        ChampionError: The run was not judged yet, it keeps no such model, or its files are damaged.
    """
    if is_of_baseline(which):
        return _baseline_files(run, which.partition(":")[2])
    kept = run.champion.models()
    if not kept:
        raise ChampionError(f"{run} keeps no champion yet; `evo-nas resume` goes on to the verdict")
    if which not in kept:
        raise ChampionError(f"which is {which}; {nearest(which, [*exported_names(run)])}")
    files = run.champion.files(which)
    if not files:
        raise ChampionError(
            f"the files of {which} in {run} are damaged; make them again with `evo-nas champion {run}`"
        )
    return files


def _baseline_files(run: Run, name: str) -> dict[str, bytes]:
    kept = {slug(each): each for each in run.baseline_models}
    if not kept:
        raise ChampionError(
            f"{run} keeps no baseline as a model: its baselines have scores alone, or an earlier version or a search "
            "that has not begun yet made it; take a network, such as --which champion"
        )
    chosen = slug(name) or next(iter(kept))
    if chosen not in kept:
        raise ChampionError(
            f"which is {BASELINE}:{name}, which is not kept as a model; {nearest(chosen, [*kept])}. The other "
            "baselines have scores alone: they are fitted anew to every series, read tokens, or are too large"
        )
    files = run.baseline_files(kept[chosen])
    if not files:
        raise ChampionError(
            f"the files of the baseline {chosen} in {run} are damaged; name another one of {', '.join(kept)}"
        )
    return files


def export_network(
    folder: Path, out: Path, *, kind: str = "native", options: ExportOptions = PLAIN
) -> Export:
    """Writes the network in ``folder``, such as an earlier export in the native format, as `export_champion` does.

    Raises:
        ChampionError: As `export_champion`, or there is no whole network in ``folder``.
    """
    check_target(out, kind, options)
    champion = read_exportable(folder, name=folder.resolve().name)
    return write_export(champion, out, kind=kind, options=options)


def write_export(
    champion: Exportable, out: Path, *, kind: str = "native", options: ExportOptions = PLAIN
) -> Export:
    """Writes a champion to ``out``, as `export_champion` does with that of a run.

    Nothing is left in ``out`` unless the outputs are those of the model, or the tool that compares them is absent.

    Raises:
        ChampionError: As `export_champion`.
    """
    check_target(out, kind, options)
    exporter = exporter_of(kind, options)
    files = exporter.files(champion, options)
    is_new = not out.exists()
    out.mkdir(parents=True, exist_ok=True)
    try:
        # Written to a temporary folder and then renamed, so that a full disk leaves no partial export.
        with TemporaryDirectory(prefix=".", dir=out) as fresh:
            _write(files, Path(fresh))
            check = exporter.check(Path(fresh), champion, options)
            sums = {name: digest(content) for name, content in files.items()}
            given = {name: value for name, value in asdict(options).items() if name in options.given}
            manifest = Manifest(kind, champion.name, sums, check, given)
            # The manifest comes last: what has one is whole.
            # Only what was written: a check may leave files of its own, such as Python's compiled modules.
            for name in sorted({Path(name).parts[0] for name in files}):
                (Path(fresh) / name).rename(out / name)
            _write({MANIFEST_FILE: manifest.to_json().encode()}, Path(fresh))
            (Path(fresh) / MANIFEST_FILE).rename(out / MANIFEST_FILE)
    except BaseException:
        if is_new and not any(out.iterdir()):
            out.rmdir()
        raise
    return Export(tuple(sorted(path for path in out.rglob("*") if path.is_file())), check)


def write_champion(files: Mapping[str, bytes], out: Path) -> Export:
    """Writes native files by name, which are in no folder yet, as `write_export` does.

    Raises:
        ChampionError: As `export_champion`.
    """
    with TemporaryDirectory() as fresh:
        _write(files, Path(fresh))
        return write_export(read_exportable(Path(fresh), name=out.resolve().name), out)


def _write(files: Mapping[str, bytes], folder: Path) -> None:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


@contextmanager
def champion_folder(place: str | os.PathLike[str], which: str = CHAMPION) -> Iterator[Path]:
    """Yields a folder with the native files of an exported champion, or of the champion that a run keeps.

    Raises:
        ChampionError: As `kept_files`, or ``place`` is no path.
    """
    if not isinstance(place, str | os.PathLike):
        raise ChampionError(
            f"the place of a champion is {place!r:.60}; must be the path of an exported champion or of a run"
        )
    run = Run.at(place)
    if not run.exists:
        exported = Path(place)
        if not (exported / GENOME_FILE).exists() and not is_baseline(exported):
            what = "has no genome.json" if exported.exists() else "does not exist"
            raise ChampionError(
                f"{place} {what}; give a run, or a directory that `evo-nas export` wrote in the native format"
            )
        yield exported
        return
    with _folder_of(kept_files(run, which)) as folder:
        yield folder


@contextmanager
def _folder_of(files: Mapping[str, bytes]) -> Iterator[Path]:
    # A run may be in a bucket, but safetensors reads files.
    with TemporaryDirectory() as folder:
        for name, content in files.items():
            (Path(folder) / name).write_bytes(content)
        yield Path(folder)
