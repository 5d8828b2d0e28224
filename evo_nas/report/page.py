"""Puts the parts of a report into one HTML page that loads nothing."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evo_nas.report.figures import Figure


@dataclass(frozen=True, slots=True)
class Card:
    """A number that a reader looks for first."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class PageTable:
    """A table.

    Attributes:
        header: Names of the columns.
        rows: Text of each cell.
        title: What it shows; may be empty.
        numbers: Columns that hold numbers, by position.
        ours: Rows of the champion, by position.
    """

    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    title: str = ""
    numbers: frozenset[int] = frozenset()
    ours: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Text:
    """Text that is shown as it is, such as a configuration, and can be folded away."""

    title: str
    content: str
    is_open: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the page, in this order: paragraphs, drawings, figures, tables, texts.

    Attributes:
        anchor: Its name in links.
        title: Its heading.
        paragraphs: Sentences at its beginning.
        figures: Its figures.
        tables: Its tables.
        drawings: SVG and MathML of this package, which are put into the page as they are.
        texts: What can be folded away.
    """

    anchor: str
    title: str
    paragraphs: Sequence[str] = ()
    figures: Sequence[Figure] = ()
    tables: Sequence[PageTable] = ()
    drawings: Sequence[str] = ()
    texts: Sequence[Text] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """A whole report; names and texts of a run are escaped, since anybody may have written them.

    Attributes:
        title: Name of the run.
        subtitle: What it is, in one line.
        sentence: The verdict in words.
        cards: The first numbers.
        sections: The parts.
        footer: The last line.
    """

    title: str
    subtitle: str
    sentence: str
    cards: Sequence[Card]
    sections: Sequence[Section]
    footer: str

    @property
    def figures(self) -> list[Figure]:
        """All figures of the page in their order."""
        return [figure for section in self.sections for figure in section.figures]

    def html(self) -> str:
        """Returns the page as one file."""
        here = files("evo_nas.report")
        environment = Environment(autoescape=True, undefined=StrictUndefined)
        template = environment.from_string((here / "page.html.j2").read_text(encoding="utf-8"))
        return template.render(
            title=self.title,
            subtitle=self.subtitle,
            sentence=self.sentence,
            cards=self.cards,
            sections=self.sections,
            footer=self.footer,
            style=Markup((here / "style.css").read_text(encoding="utf-8")),  # noqa: S704 - our own file
        )
