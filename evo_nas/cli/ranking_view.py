"""Shows a ranking over several runs as a table, and as a critical-difference diagram (Demsar, 2006)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group
from rich.text import Text

from evo_nas.cli.formatting import figure
from evo_nas.cli.tables import plain_table
from evo_nas.cli.terminal import plain
from evo_nas.runs.champion_store import CHAMPION
from evo_nas.views.svg import document, element, fitting, label

if TYPE_CHECKING:
    from rich.console import RenderableType

    from evo_nas.champion.ranking import Competitor, Ranking

WIDTH, MARGIN, SIDE = 800.0, 28.0, 220.0
ROW, BAR = 26.0, 13.0
INK, GREY, BLUE, RED = "#1f2933", "#7b8794", "#3867d6", "#d1495b"


def ranking_view(ranking: Ranking) -> RenderableType:
    """Returns one row for each competitor, one for each run, and the sentence."""
    table = plain_table("", right=("mean rank", "better", "worse", "p (Holm)"))
    for each in ranking.competitors:
        p_value = "" if each.p_value is None else f"{each.p_value:.2g}"
        against = ("", "") if each.name == CHAMPION else (str(each.wins), str(each.losses))
        table.add_row(plain(each.name), f"{each.mean_rank:.2f}", *against, p_value)
    names = [each.name for each in ranking.competitors]
    scores = plain_table("run", right=names, left=("metric",))
    for result in ranking.results:
        tests = [figure(result.tests[name]) for name in names]
        scores.add_row(plain(result.run), *tests, result.metric)
    for column in scores.columns[1:]:
        column.no_wrap = False  # names of two words take two lines, so that more runs fit beside each other
    notes = [Text(f"- {remark}", style="dim") for remark in ranking.remarks]
    explained = Text("better, worse: runs in which it is better or worse than the champion", style="dim")
    return Group(scores, Text(), table, explained, *notes, Text(), Text(ranking.sentence, style="bold"))


def critical_difference_diagram(ranking: Ranking) -> str:
    """Returns the diagram as SVG: mean ranks on an axis, and bars over those that cannot be told apart."""
    count = len(ranking.competitors)
    left, right = MARGIN + SIDE, WIDTH - MARGIN - SIDE
    reach, groups = ranking.critical_difference, ranking.groups
    axis = 106.0 if reach is None else 150.0

    def across(rank: float) -> float:
        return left + (rank - 1) / (count - 1) * (right - left)

    shapes = [
        label("Mean ranks over the runs", MARGIN, 38, size=18, colour=INK, font_weight=700),
        label(f"{len(ranking.results)} runs; 1 is best{_tested(ranking)}", MARGIN, 58, size=12, colour=GREY),
        _stroke(left, axis, right, axis),
    ]
    for rank in range(1, count + 1):
        shapes.append(_stroke(across(rank), axis - 6, across(rank), axis))
        shapes.append(label(str(rank), across(rank), axis - 12, size=12, text_anchor="middle"))
    if reach is not None:
        # Where it is longer than the axis it says so by reaching beyond its end.
        end = min(left + reach / (count - 1) * (right - left), WIDTH - MARGIN)
        shapes.append(_stroke(left, axis - 48, end, axis - 48, colour=RED, width=2.0))
        shapes += [_stroke(x, axis - 53, x, axis - 43, colour=RED, width=2.0) for x in (left, end)]
        shapes.append(label(f"critical difference {reach:.2f}", left, axis - 58, size=11, colour=RED))
    for number, group in enumerate(groups):
        y = axis + 14 + BAR * number
        ends = (across(group[0].mean_rank) - 5, across(group[-1].mean_rank) + 5)
        shapes.append(_stroke(ends[0], y, ends[1], y, colour=INK, width=4.5))
    below = axis + 22 + BAR * len(groups) + 14
    half = (count + 1) // 2
    sides = (
        (ranking.competitors[:half], True),
        (tuple(reversed(ranking.competitors[half:])), False),
    )
    leaders = [
        (each, (across(each.mean_rank), axis), (below + ROW * number, is_left))
        for members, is_left in sides
        for number, each in enumerate(members)
    ]
    # The champion is drawn last, so that no equal hides it.
    for each, place, (y, is_left) in sorted(leaders, key=lambda leader: leader[0].name == CHAMPION):
        shapes += _leader(each, place, y, is_left=is_left)
    return document(WIDTH, below + ROW * half + 12, shapes)


def _leader(each: Competitor, place: tuple[float, float], y: float, *, is_left: bool) -> list[str]:
    """Returns the line from the place of a competitor on the axis to its name, at the height ``y``."""
    x, axis = place
    is_ours = each.name == CHAMPION
    colour, end = BLUE if is_ours else INK, MARGIN + SIDE - 14 if is_left else WIDTH - MARGIN - SIDE + 14
    points = f"{x:.1f},{axis:.1f} {x:.1f},{y:.1f} {end:.1f},{y:.1f}"
    anchor, at = ("end", end - 6) if is_left else ("start", end + 6)
    name = f"{fitting(each.name, SIDE - 64, size=13)}  {each.mean_rank:.2f}"
    weight = {"font_weight": 700} if is_ours else {}
    return [
        element(
            "polyline",
            points=points,
            fill="none",
            stroke=colour,
            stroke_width=2.0 if is_ours else 1.2,
            stroke_linejoin="round",
        ),
        element("circle", cx=x, cy=axis, r=4.0 if is_ours else 3.0, fill=colour),
        label(name, at, y + 4.5, size=13, colour=colour, text_anchor=anchor, **weight),
    ]


def _tested(ranking: Ranking) -> str:
    if ranking.friedman_p is None:
        return "; too few runs or competitors for a test"
    return f"; Friedman p = {ranking.friedman_p:.2g}; a bar joins those that Nemenyi's test cannot tell apart"


def _stroke(x1: float, y1: float, x2: float, y2: float, *, colour: str = GREY, width: float = 1.2) -> str:
    ends = {"x1": x1, "y1": y1, "x2": x2, "y2": y2}
    return element("line", **ends, stroke=colour, stroke_width=width, stroke_linecap="round")
