"""docs/strategies.md says of every registered strategy what it does, when to use it and what it costs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from evo_nas.strategies.registry import STRATEGIES

PAGE = (Path(__file__).parents[2] / "docs" / "strategies.md").read_text(encoding="utf-8")
COLUMNS = ["strategy", "what it does", "when to use it", "cost of an ask", "source"]


def rows() -> dict[str, list[str]]:
    """Returns the cells of the leading table by the kind that the first one links to."""
    table = PAGE[PAGE.index(f"| {' | '.join(COLUMNS)} |") :].partition("\n\n")[0]
    lines = [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in table.splitlines()[2:]]
    linked = [(re.fullmatch(r"\[`(\w+)`\]\(#(\w+)\)", cells[0]), cells) for cells in lines]
    return {match[1]: cells for match, cells in linked if match and match[1] == match[2]}


def section(kind: str) -> str:
    """Returns the text below the heading of ``kind``."""
    _, _, below = PAGE.partition(f"\n## `{kind}`\n")
    return re.split(r"\n## ", below)[0].strip()


@pytest.mark.parametrize("kind", sorted(STRATEGIES))
def test_a_strategy_has_a_row_without_an_empty_cell(kind: str) -> None:
    assert kind in rows(), f"give {kind} a row in the first table of docs/strategies.md"
    assert len(rows()[kind]) == len(COLUMNS)
    assert all(rows()[kind])


@pytest.mark.parametrize("kind", sorted(STRATEGIES))
def test_a_strategy_has_a_section(kind: str) -> None:
    assert section(kind), f"docs/strategies.md needs a section '## `{kind}`'"


def test_the_table_names_nothing_but_strategies() -> None:
    assert set(rows()) == set(STRATEGIES)


@pytest.mark.parametrize("kind", sorted(STRATEGIES))
def test_a_listing_has_a_line_for_a_strategy(kind: str) -> None:
    first, _, _ = (STRATEGIES[kind].__doc__ or "").partition("\n\n")
    assert first.endswith("."), f"{STRATEGIES[kind].__name__} needs a one-line summary"
    assert "\n" not in first
