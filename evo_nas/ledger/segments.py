"""One segment: an immutable Parquet file whose name says what must be in it.

``t00000003-s0000000128-0000000191-<digest>.parquet`` was written in term 3 and holds the rows with ``seq`` 128
to 191; ``digest`` is the start of the SHA-256 of the whole file. So a directory listing says which rows a run
has and which are missing, and the bytes of a file say whether it is what its name claims.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from evo_nas.ledger.record import FORMAT, MIN_READER, check_readable, product_version
from evo_nas.ledger.schema import SCHEMA, candidate_from_json, candidate_to_json, complete
from evo_nas.ledger.sealed import DamagedError, read_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Self

    from evo_nas.evaluation import Candidate
    from evo_nas.ledger.store import Store

FOLDER = "segments"
_NAME = re.compile(r"t(\d{8,})-s(\d{10,})-(\d{10,})-([0-9a-f]{32})\.parquet")
_REPETITIVE = ["operator", "status", "metric", "worker", "node", "error"]
_LOOKED_UP = ["id", "seq", "fitness"]
_COMPRESSED_ROWS = 128
"""Fewer rows are not compressed: starting a compressor for each column takes longer than everything else, both in
writing and in reading, and compaction soon rewrites them."""


@dataclass(frozen=True, slots=True)
class SegmentName:
    """The parts of a segment's name.

    Attributes:
        term: Term of its writer.
        first: Lowest ``seq`` of its rows.
        last: Highest ``seq`` of its rows, without gaps in between.
        digest: First 32 hex digits of the file's SHA-256.
    """

    term: int
    first: int
    last: int
    digest: str

    def __str__(self) -> str:
        return f"t{self.term:08d}-s{self.first:010d}-{self.last:010d}-{self.digest}.parquet"

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Returns the parsed ``text``; None if it is not the name of a segment."""
        match = _NAME.fullmatch(text)
        if match is None or int(match[2]) > int(match[3]):
            return None
        return cls(term=int(match[1]), first=int(match[2]), last=int(match[3]), digest=match[4])

    @property
    def path(self) -> str:
        """Name in the store."""
        return f"{FOLDER}/{self}"

    @property
    def rows(self) -> int:
        """Number of rows."""
        return self.last - self.first + 1


@dataclass(frozen=True, slots=True)
class Segment:
    """Rows in ``seq`` order, and the candidates that were in flight when they were committed.

    Attributes:
        table: All columns of `SCHEMA`, or those that were requested.
        born: Candidates asked since the previous commit that are not among the rows.
    """

    table: pa.Table
    born: list[Candidate]


def encode_segment(table: pa.Table, born: Iterable[Candidate], *, term: int) -> tuple[SegmentName, bytes]:
    """Returns name and content of the segment for ``table``, whose ``seq`` must have no gaps."""
    sink = pa.BufferOutputStream()
    with pq.ParquetWriter(
        sink,
        SCHEMA,
        compression="zstd" if len(table) >= _COMPRESSED_ROWS else "none",
        use_dictionary=_REPETITIVE,
        write_statistics=_LOOKED_UP,
        write_page_checksum=True,
    ) as writer:
        writer.write_table(table)
        writer.add_key_value_metadata(
            {
                "evonas.format": str(FORMAT),
                "evonas.min_reader": str(MIN_READER),
                "evonas.created_by": f"evo-nas {product_version()}",
                "evonas.born": json.dumps([candidate_to_json(c) for c in born], separators=(",", ":")),
            }
        )
    content = sink.getvalue().to_pybytes()
    first = table["seq"][0].as_py()
    return SegmentName(term, first, first + len(table) - 1, _digest(content)), content


def read_segment(store: Store, name: SegmentName, *, columns: Sequence[str] | None = None) -> Segment:
    """Returns the segment called ``name``, verified; ``columns`` are those of its table, None for all.

    Raises:
        DamagedError: The content does not fit the name, or the file is missing.
        FormatError: A newer version wrote it.
    """
    return decode_segment(name, read_verified(store, name), columns=columns)


def read_verified(store: Store, name: SegmentName) -> bytes:
    """Returns the content of the segment called ``name``, whose bytes have the digest in that name.

    Raises:
        DamagedError: The digest differs, or the file is missing.
    """
    content = read_bytes(store, name.path)
    verify(name, content)
    return content


def verify(name: SegmentName, content: bytes) -> None:
    """Raises `DamagedError` if ``content`` does not have the digest in ``name``."""
    if _digest(content) != name.digest:
        raise DamagedError(f"its {len(content)} bytes do not have the SHA-256 in its name")


def decode_segment(name: SegmentName, content: bytes, *, columns: Sequence[str] | None = None) -> Segment:
    """Returns the segment in ``content``, verified before; ``columns`` are those of its table, None for all.

    Raises:
        DamagedError: The content is no segment, or has other rows than ``name`` says.
        FormatError: A newer version wrote it.
    """
    schema = SCHEMA if columns is None else pa.schema([SCHEMA.field(column) for column in columns])
    try:
        file = pq.ParquetFile(pa.BufferReader(content), page_checksum_verification=True)
        metadata = file.metadata.metadata or {}
        written, min_reader = int(metadata[b"evonas.format"]), int(metadata[b"evonas.min_reader"])
        check_readable(written, min_reader, where=str(name))
        if file.metadata.num_rows != name.rows:
            raise DamagedError(f"it has {file.metadata.num_rows} rows instead of {name.rows}")
        table = complete(file.read(columns=schema.names, use_threads=False), schema)
        born = [candidate_from_json(values) for values in json.loads(metadata[b"evonas.born"])]
        return Segment(table, born)
    except (pa.ArrowException, OSError, KeyError, ValueError, TypeError, RecursionError) as error:
        raise DamagedError(f"it is no segment of a ledger ({error!r})") from error


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:32]
