"""`Report`: the report of a run with its figures, made here or by a process of its own."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Literal, Protocol

from evo_nas.server.reading_apart import MOST_HERE, said_by

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evo_nas.report.page import Page
    from evo_nas.runs import Run

Kind = Literal["svg", "png"]


class Report(Protocol):
    """A report."""

    @property
    def html(self) -> str:
        """The page."""

    @property
    def figures(self) -> tuple[str, ...]:
        """The names of its figures."""

    def drawn(self, figure: str, kind: Kind) -> bytes:
        """Returns one of `figures`."""


class PageReport:
    """A report that was made here; a figure is drawn alone when it is asked for.

    Args:
        page: The report.
    """

    def __init__(self, page: Page) -> None:
        self._figures = {figure.name: figure for figure in page.figures}
        self.html = page.html()
        self.figures = tuple(self._figures)

    def drawn(self, figure: str, kind: Kind) -> bytes:
        """Draws one of `figures`."""
        found = self._figures[figure]
        return found.svg().encode() if kind == "svg" else found.png()


class FileReport:
    """A report that another process has written.

    Args:
        html: The page.
        drawn: Its figures by the names of their files.
    """

    def __init__(self, html: str, drawn: Mapping[str, bytes]) -> None:
        self._drawn = drawn
        self.html = html
        self.figures = tuple(sorted({Path(name).stem for name in drawn}))

    def drawn(self, figure: str, kind: Kind) -> bytes:
        """Returns one of `figures`."""
        return self._drawn[f"{figure}.{kind}"]


def made_report(run: Run) -> Report:
    """Returns the report of ``run``.

    Raises:
        ServiceError: The process that writes it has failed.
        EvoNasError: As `report_page`.
    """
    if run.totals().told <= MOST_HERE:
        from evo_nas.report.report import report_page  # noqa: PLC0415 - it loads torch where there is a champion

        return PageReport(report_page(run))
    with TemporaryDirectory() as folder:
        page, figures = Path(folder, "report.html"), Path(folder, "figures")
        said_by("report", run.location, "--out", str(page), "--figures", str(figures))
        return FileReport(
            page.read_text(encoding="utf-8"), {each.name: each.read_bytes() for each in figures.iterdir()}
        )
