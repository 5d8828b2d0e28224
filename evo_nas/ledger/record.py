"""`RunRecord`: the identity of a run, written to ``RUN.json`` when the run starts and never changed."""

from __future__ import annotations

import platform
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from pydantic import TypeAdapter, ValidationError

from evo_nas.errors import CorruptLedgerError, FormatError
from evo_nas.ledger.sealed import DamagedError, seal, unseal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Self

RUN_FILE = "RUN.json"
FORMAT = 1
"""Format that this version writes; it reads every file whose ``min_reader`` is at most this."""
MIN_READER = 1


@dataclass(frozen=True, slots=True)
class RecordedFounder:
    """A network of an earlier run with which a run begins, so that the earlier run is not needed again.

    Attributes:
        name: Where it comes from, such as ``digits #41``.
        genome: Its genome in the space of this run.
        weights: Digest of the kept weights that its training starts from; empty for scratch.
        changes: What of it this space does not permit, and what took its place.
    """

    name: str
    genome: tuple[int, ...]
    weights: str = ""
    changes: tuple[str, ...] = ()


@dataclass(frozen=True)
class RunRecord:
    """Identity and configuration of a run.

    Attributes:
        run_id: A unique id.
        name: The name for people.
        seed: Seed of all its random streams.
        config: The whole configuration as plain JSON values.
        created_at: Time of its start in ISO 8601, UTC.
        created_by: Versions of evo-nas and Python that created it.
        data: SHA-256 of each data file, by its path relative to their common folder.
        format: Format of the run directory.
        founders: Networks of earlier runs with which it began.
    """

    run_id: str
    name: str
    seed: int
    config: dict[str, Any]
    created_at: str
    created_by: dict[str, str]
    data: dict[str, str] = field(default_factory=dict)
    format: int = FORMAT
    founders: tuple[RecordedFounder, ...] = ()

    @classmethod
    def new(
        cls,
        name: str,
        *,
        seed: int,
        config: Mapping[str, Any],
        data: Mapping[str, str] | None = None,
        founders: Sequence[RecordedFounder] = (),
    ) -> Self:
        """Returns the record of a run that starts now."""
        return cls(
            run_id=uuid4().hex,
            name=name,
            seed=seed,
            config=dict(config),
            created_at=datetime.now(UTC).isoformat(timespec="seconds"),
            created_by={"evo-nas": product_version(), "python": platform.python_version()},
            data=dict(data or {}),
            founders=tuple(founders),
        )


@cache
def product_version() -> str:
    """Returns the version of the installed evo-nas."""
    return version("evo-nas")


def encode_record(record: RunRecord) -> bytes:
    """Returns the content of the run file."""
    return seal({**asdict(record), "min_reader": MIN_READER})


def decode_record(content: bytes, *, where: str) -> RunRecord:
    """Returns the record in the run file at ``where``.

    Raises:
        FormatError: A newer version wrote it.
        CorruptLedgerError: It is damaged, or was changed by hand.
    """
    try:
        # The checksum comes first, since it is the same in every format and a damaged file must not be taken for one
        # of a newer version.
        values = unseal(content)
        check_readable(values["format"], values["min_reader"], where=where)
        return _reader().validate_json(content, strict=True)
    except (DamagedError, ValueError, KeyError, TypeError) as error:
        raise CorruptLedgerError(
            f"{where} was changed by hand or is damaged ({_cause(error)}); restore it from a copy, it never changes"
        ) from error


@cache
def _reader() -> TypeAdapter[RunRecord]:
    return TypeAdapter(RunRecord)


def _cause(error: Exception) -> str:
    if isinstance(error, DamagedError):
        return str(error)
    if not isinstance(error, ValidationError):
        return repr(error)
    first = error.errors()[0]
    return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"


def check_readable(written_format: int, min_reader: int, *, where: str) -> None:
    """Raises `FormatError` if ``where`` needs a newer reader than this one."""
    if min_reader > FORMAT:
        raise FormatError(
            f"{where} was written in format {written_format}, which needs a reader of format {min_reader}; "
            f"evo-nas {product_version()} reads formats up to {FORMAT}: install a newer evo-nas"
        )
