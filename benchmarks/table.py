"""Tables in Markdown, and the machine that they were measured on."""

from __future__ import annotations

import os
import platform
import resource
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

RESULTS = Path(__file__).parent / "results"
_LIBRARIES = ("evo-nas", "ray", "pyarrow", "deap")


@dataclass(frozen=True)
class Table:
    """One measurement.

    Attributes:
        title: What was measured.
        command: What gives it again.
        header: Names of the columns.
        rows: Cells, ready to be read.
        remarks: One sentence each, below the table.
    """

    title: str
    command: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    remarks: Sequence[str] = ()

    def __str__(self) -> str:
        lines = [self.header, ["---:"] * len(self.header), *self.rows]
        table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
        remarks = "\n".join(f"- {remark}" for remark in self.remarks)
        return f"## {self.title}\n\n`{self.command}`\n\n{table}\n\n{remarks}".rstrip() + "\n"


def machine() -> str:
    """Returns one line with the date, the processor, the system and the versions that matter."""
    libraries = ", ".join(f"{name} {version(name)}" for name in _LIBRARIES)
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {_processor()}, {os.cpu_count()} cores, {platform.system()}, "
        f"Python {platform.python_version()}, {libraries}."
    )


def load() -> str:
    """Returns the load average of the last minute; above the number of cores, others wait beside us."""
    return f"{os.getloadavg()[0]:.1f}"


def peak_mib() -> float:
    """Returns the most memory that this process has had resident so far, in MiB (on Linux)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def write(name: str, introduction: str, tables: Sequence[Table]) -> Path:
    """Writes ``results/<name>.md`` and returns its path."""
    path = RESULTS / f"{name}.md"
    parts = [f"# {introduction}\n", f"{machine()}\n", *map(str, tables)]
    path.write_text("\n".join(parts), encoding="utf-8")
    return path


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text(encoding="utf-8").splitlines() if cpuinfo.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.machine()
