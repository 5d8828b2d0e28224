"""Reads the events that a process prints into a file, from any place in it and never the whole file.

There may be holes in a file, which read as zeros; see `event_compaction`. No event has a zero in it.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path
    from typing import BinaryIO

CHUNK = 256 * 1024
"""Bytes that are read at a time."""
LONGEST = 64 * 2**20
"""Bytes after which a line without an end is no event."""
_ZERO = b"\0"
_KIND = re.compile(rb'\{"event": "([a-z]+)"')


class Line(NamedTuple):
    """One event as it stands in its file.

    Attributes:
        end: Offset of what follows it, in bytes.
        kind: What ``KINDS`` calls it.
        data: Its JSON.
    """

    end: int
    kind: str
    data: bytes


def lines_from(path: Path, offset: int) -> tuple[list[Line], int]:
    """Returns the events after ``offset`` in the next part of the file, and the offset after what was read.

    The same offset is returned when no further line is complete. What is no event is passed over.
    """
    count, asked = CHUNK, offset
    with path.open("rb") as file:
        offset = _after_hole(file, offset)
        while True:
            file.seek(offset)
            content = file.read(count)
            end = content.rfind(b"\n") + 1
            if end or len(content) < count or count >= LONGEST:
                break
            count *= 8  # a line that is longer than what was read
    if not end and len(content) >= LONGEST:
        return [], offset + len(content)
    return _events(content[:end], offset), offset + end if end else asked


def latest_of_each(path: Path, *, end: int) -> dict[str, Line]:
    """Returns the latest event of each kind before ``end``, found in the first and the last part of the file.

    Only progress is told all the time, and its latest is at the end: what comes once is at the beginning or at the end.
    """
    lines, read = lines_from(path, 0) if end else ([], 0)
    latest = {line.kind: line for line in lines if line.end <= end}
    start = max(read, line_start(path, max(0, end - CHUNK)))
    while start < end:
        lines, read = lines_from(path, start)
        if read == start:
            break
        latest |= {line.kind: line for line in lines if line.end <= end}
        start = read
    return latest


def end_of_lines(path: Path) -> int:
    """Returns the offset after the last complete line; 0 if there is none, or no file."""
    try:
        with path.open("rb") as file:
            size = start = file.seek(0, os.SEEK_END)
            while start > 0:
                start = max(0, start - CHUNK)
                file.seek(start)
                if (place := file.read(min(CHUNK, size - start)).rfind(b"\n")) >= 0:
                    return start + place + 1
    except FileNotFoundError:
        pass
    return 0


def last_event(path: Path) -> Line | None:
    """Returns what the last complete line of the file says; None if that is no event."""
    end = end_of_lines(path)
    if not end:
        return None
    lines, _ = lines_from(path, line_start(path, end - 1))
    return lines[-1] if lines and lines[-1].end == end else None


def tail_of(path: Path, count: int) -> list[str]:
    """Returns the lines in the last ``count`` bytes of the file at ``path``, the first of them whole."""
    try:
        with path.open("rb") as file:
            start = max(0, file.seek(0, os.SEEK_END) - count)
            file.seek(start)
            text = file.read(count).decode("utf-8", errors="replace")
    except FileNotFoundError:
        return []
    lines = text.splitlines()
    return lines[1:] if start else lines


def begins_line(path: Path, offset: int) -> bool:
    """Whether a line begins, or the file ends after a line, at ``offset``; one may have begun within a hole."""
    if offset == 0:
        return True
    try:
        with path.open("rb") as file:
            file.seek(offset - 1)
            return file.read(1) in (b"\n", _ZERO)
    except FileNotFoundError:
        return False


def line_start(path: Path, offset: int) -> int:
    """Returns where the line begins that holds the byte at ``offset``; within a hole every byte is one of its own."""
    if not offset:
        return 0
    with path.open("rb") as file:
        place = offset
        while place > 0:
            start = max(0, place - CHUNK)
            file.seek(start)
            content = file.read(place - start)
            if (found := max(content.rfind(b"\n"), content.rfind(_ZERO))) >= 0:
                return start + found + 1
            place = start
    return 0


def _after_hole(file: BinaryIO, offset: int) -> int:
    """Returns the place of the first byte from ``offset`` on that is no zero, or the end of the file."""
    count = 1  # mostly there is no hole
    while True:
        file.seek(offset)
        content = file.read(count)
        rest = content.lstrip(_ZERO)
        if rest or not content:
            return offset + len(content) - len(rest)
        offset, count = _next_data(file.name, offset + len(content)), CHUNK


def _next_data(path: str, offset: int) -> int:
    """Returns where the file has data from ``offset`` on, without reading what has none."""
    # Opened again: what is read through a buffer must not be moved under it.
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return os.lseek(descriptor, offset, os.SEEK_DATA)
    except (AttributeError, OSError):  # nothing follows, or the system does not tell
        return offset
    finally:
        os.close(descriptor)


def _events(content: bytes, offset: int) -> list[Line]:
    lines = []
    for text in content.splitlines(keepends=True):
        offset += len(text)
        # A line after a hole, or one that a hole is being made of.
        text = text.rpartition(_ZERO)[2]  # noqa: PLW2901
        if (kind := _KIND.match(text)) is not None:
            lines.append(Line(offset, kind[1].decode(), text.rstrip(b"\r\n")))
    return lines
