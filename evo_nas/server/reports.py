"""`Report`: the report of a run with its figures, made here or by a process of its own."""

from __future__ import annotations

from functools import cached_property
from http import HTTPStatus
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Literal, Protocol

from evo_nas.client.run import FIGURE
from evo_nas.report.figures import absent
from evo_nas.server.problems import ServiceError
from evo_nas.server.reading_apart import MOST_HERE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evo_nas.report.figures import Figure
    from evo_nas.report.page import Page
    from evo_nas.runs import Run
    from evo_nas.server.reading_apart import Commands

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
        return _drawn(self._figures[figure], kind)


class FileReport:
    """A report that another process writes; its figures are drawn, all at once, when one is asked for.

    Args:
        place: Where the run is.
        commands: Runs the process.

    Raises:
        EvoNasError: The process has failed; see `Commands.said_by`.
    """

    def __init__(self, place: str, commands: Commands) -> None:
        self._place, self._commands = place, commands
        with TemporaryDirectory() as folder:
            page = Path(folder, "report.html")
            commands.said_by("report", place, "--out", str(page))
            self.html = page.read_text(encoding="utf-8")
        self.figures = tuple(FIGURE.findall(self.html))

    def drawn(self, figure: str, kind: Kind) -> bytes:
        """Returns one of `figures`."""
        try:
            return self._files[f"{figure}.{kind}"]
        except KeyError:
            raise ServiceError(
                HTTPStatus.CONFLICT,
                f"the run has changed since and has no figure {figure} now; ask for its report again",
            ) from None

    @cached_property
    def _files(self) -> Mapping[str, bytes]:
        with TemporaryDirectory() as folder:
            page, figures = Path(folder, "report.html"), Path(folder, "figures")
            self._commands.said_by("report", self._place, "--out", str(page), "--figures", str(figures))
            return {each.name: each.read_bytes() for each in figures.iterdir()}


def drawn_absent(figure: str, kind: Kind) -> bytes:
    """Draws what is shown in place of a figure, one of `NEEDS`, that a report has no data for."""
    return _drawn(absent(figure), kind)


def made_report(run: Run, commands: Commands) -> Report:
    """Returns the report of ``run``.

    Args:
        run: The run.
        commands: Runs what must not be made in this process.

    Raises:
        EvoNasError: As `report_page`, or the process that writes it has failed.
    """
    if run.totals().told > MOST_HERE:
        return FileReport(run.location, commands)
    from evo_nas.report.report import report_page  # noqa: PLC0415 - it loads torch where there is a champion

    return PageReport(report_page(run))


def _drawn(figure: Figure, kind: Kind) -> bytes:
    return figure.svg().encode() if kind == "svg" else figure.png()
