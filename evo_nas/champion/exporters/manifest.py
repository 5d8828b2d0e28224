"""`Manifest`: the list of the files of an export, with their sums and the result of the check."""

from __future__ import annotations

import hashlib
import json
import platform
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, Field, ValidationError

from evo_nas.champion.exporters.checking import Checked
from evo_nas.errors import ChampionError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evo_nas.champion.exporters.checking import CheckResult

MANIFEST_FILE = "manifest.json"
FORMAT = 1
MAX_BYTES = 1_000_000
PACKAGES = ("evo-nas", "torch", "numpy", "safetensors")
"""Packages whose versions an export was made with."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an export consists of.

    Attributes:
        kind: Name of the format.
        name: What the champion is called.
        files: SHA-256 of each file by its name.
        check: The result of the numeric check.
        options: The options of the export that differ from their defaults.
    """

    kind: str
    name: str
    files: Mapping[str, str]
    check: CheckResult
    options: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> str:
        """Returns the content of ``manifest.json``."""
        checked = isinstance(self.check, Checked)
        facts = {
            "manifest": FORMAT,
            "format": self.kind,
            "name": self.name,
            "options": dict(self.options),
            "versions": _versions(),
            "check": {"status": "checked" if checked else "unchecked", **asdict(self.check)},
            "files": {name: self.files[name] for name in sorted(self.files)},
        }
        return json.dumps(facts, indent=2) + "\n"


class _ManifestFile(BaseModel):
    """The part of ``manifest.json`` that a check of the files needs."""

    manifest: int
    format: str = ""
    # Plain names and folders below, so that nothing outside the folder is read.
    files: dict[str, str] = Field(min_length=1)


def digest(content: bytes) -> str:
    """Returns the SHA-256 of ``content`` in hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def format_of(folder: Path) -> str:
    """Returns the name of the format of an export; "" where no manifest says it.

    Raises:
        ChampionError: The manifest is damaged.
    """
    path = folder / MANIFEST_FILE
    return _read(path).format if path.exists() else ""


def verify(folder: Path) -> None:
    """Checks the files of an export against its manifest; a folder without a manifest is not checked.

    Raises:
        ChampionError: A file is missing or was altered, or the manifest is damaged.
    """
    path = folder / MANIFEST_FILE
    if not path.exists():
        return
    for name, wanted in _read(path).files.items():
        if ".." in Path(name).parts or Path(name).is_absolute():
            raise ChampionError(f"{path} names {name}, which lies outside the folder; export it again")
        try:
            with (folder / name).open("rb") as content:
                found = hashlib.file_digest(content, "sha256").hexdigest()
        except OSError as error:
            raise ChampionError(
                f"{folder / name} is missing or cannot be read ({error.strerror}); export the champion again"
            ) from error
        if found != wanted:
            raise ChampionError(
                f"{folder / name} was altered after the export: its SHA-256 is {found[:12]}..., {MANIFEST_FILE} says "
                f"{wanted[:12]}...; export the champion again"
            )


def _read(path: Path) -> _ManifestFile:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ChampionError(f"{path} has more than {MAX_BYTES} bytes; it is no manifest")
        facts = _ManifestFile.model_validate_json(path.read_bytes())
    except OSError as error:
        raise ChampionError(f"{path} cannot be read: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "its start"
        raise ChampionError(
            f"{path} is damaged at {where}: {first['msg']}; export the champion again"
        ) from error
    if facts.manifest > FORMAT:
        raise ChampionError(
            f"{path} has format {facts.manifest}; this evo-nas reads up to {FORMAT}: install a newer one"
        )
    return facts


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:  # from a checkout that was not installed
            continue
    return found
