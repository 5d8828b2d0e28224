"""`RunRecord`: what a run is, written once when it starts."""

from __future__ import annotations

import hashlib
import json
import platform
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from pydantic import TypeAdapter, ValidationError

from evo_nas.errors import CorruptLedgerError, FormatError, RunError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

    from evo_nas.ledger.store import Store

RUN_FILE = "RUN.json"
FORMAT = 1
"""Format that this version writes; it reads every file whose ``min_reader`` is at most this."""
MIN_READER = 1


@dataclass(frozen=True)
class RunRecord:
    """Identity and configuration of a run.

    Attributes:
        run_id: Unique for ever.
        name: What people call it.
        seed: Root of all its random streams.
        config: The whole configuration as plain JSON values.
        config_hash: SHA-256 of the configuration as canonical JSON, in hex.
        created_at: ISO 8601, UTC.
        created_by: Versions of what created it.
        parent: Id of the run it was forked from.
        data: SHA-256 of each file that it learns from, by their paths from the folder that they have in common.
        format: Format of the run directory.
    """

    run_id: str
    name: str
    seed: int
    config: dict[str, Any]
    config_hash: str
    created_at: str
    created_by: dict[str, str]
    parent: str | None = None
    data: dict[str, str] = field(default_factory=dict)
    format: int = FORMAT

    @classmethod
    def new(
        cls,
        name: str,
        *,
        seed: int,
        config: Mapping[str, Any],
        parent: str | None = None,
        data: Mapping[str, str] | None = None,
    ) -> Self:
        """Returns the record of a run that starts now."""
        return cls(
            run_id=uuid4().hex,
            name=name,
            seed=seed,
            config=dict(config),
            config_hash=hash_config(config),
            created_at=datetime.now(UTC).isoformat(timespec="seconds"),
            created_by={"evo-nas": product_version(), "python": platform.python_version()},
            parent=parent,
            data=dict(data or {}),
        )


@cache
def product_version() -> str:
    """Returns the version of the installed evo-nas."""
    return version("evo-nas")


def hash_config(config: Mapping[str, Any]) -> str:
    """Returns the SHA-256 of ``config`` as JSON with sorted keys, in hex."""
    return hashlib.sha256(json.dumps(config, sort_keys=True, allow_nan=False).encode()).hexdigest()


def encode_record(record: RunRecord) -> bytes:
    """Returns the content of the run file."""
    return json.dumps({**asdict(record), "min_reader": MIN_READER}, indent=2, allow_nan=False).encode()


def load_record(store: Store) -> RunRecord:
    """Reads the run file.

    Raises:
        RunError: There is no run here.
        FormatError: A newer version wrote it.
        CorruptLedgerError: It is damaged, or its configuration was changed.
    """
    try:
        content = store.read(RUN_FILE)
        values = json.loads(content)
        check_readable(values["format"], values["min_reader"], where=f"{store.location}/{RUN_FILE}")
        record = _reader().validate_json(content, strict=True)
        _check_unchanged(record, where=f"{store.location}/{RUN_FILE}")
    except (FileNotFoundError, NotADirectoryError):
        raise RunError(
            f"{store.location} holds no run: {RUN_FILE} is missing; give the directory of a run, "
            "or start one with `evo-nas search`"
        ) from None
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise CorruptLedgerError(
            f"{store.location}/{RUN_FILE} is damaged ({_cause(error)}); restore it from a copy, it never changes"
        ) from error
    return record


@cache
def _reader() -> TypeAdapter[RunRecord]:
    return TypeAdapter(RunRecord)


def _cause(error: Exception) -> str:
    if not isinstance(error, ValidationError):
        return repr(error)
    first = error.errors()[0]
    return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"


def _check_unchanged(record: RunRecord, *, where: str) -> None:
    if hash_config(record.config) != record.config_hash:
        raise CorruptLedgerError(
            f"{where} was changed by hand or is damaged: its configuration is not the one that config_hash was "
            "taken of; restore it from a copy, it never changes"
        )


def check_readable(written_format: int, min_reader: int, *, where: str) -> None:
    """Raises `FormatError` if ``where`` needs a newer reader than this one."""
    if min_reader > FORMAT:
        raise FormatError(
            f"{where} was written in format {written_format}, which needs a reader of format {min_reader}; "
            f"evo-nas {product_version()} reads formats up to {FORMAT}: install a newer evo-nas"
        )
