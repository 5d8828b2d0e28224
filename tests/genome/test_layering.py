"""A graph is placed in columns so that few lines cross."""

from __future__ import annotations

import pytest

from evo_nas.genome.layering import placed


def test_a_tree_has_no_crossings_however_it_is_listed() -> None:
    # Leaves 0 to 7 are listed so that lines of the order given would cross.
    lines = [
        (0, 8),
        (4, 8),
        (1, 9),
        (5, 9),
        (2, 10),
        (6, 10),
        (3, 11),
        (7, 11),
        (8, 12),
        (10, 12),
        (9, 13),
        (11, 13),
    ]
    placement = placed([*lines, (12, 14), (13, 14)], sizes=[30.0] * 15)
    assert placement.crossings == 0
    assert placement.columns == (0,) * 8 + (1,) * 4 + (2, 2, 3)


def test_lines_of_one_source_share_their_way() -> None:
    placement = placed([(0, 1), (1, 2), (2, 3), (0, 2), (0, 3)], sizes=[30.0] * 4)
    assert placement.route(0, 3) == [(0, 0), (0, 1), (0, 2), (3, 3)]
    assert placement.route(0, 2) == [(0, 0), (0, 1), (2, 2)]
    assert placement.heights[0, 1] == placement.heights[0, 2]


def test_ends_share_the_last_column_and_constants_stand_before_their_reader() -> None:
    # 0 -> 1 -> 3 -> 4 (end); 2 is a constant that 3 reads; 0 -> 5 (end).
    placement = placed([(0, 1), (1, 3), (2, 3), (3, 4), (0, 5)], sizes=[20.0] * 6, last={4, 5}, late={2})
    assert placement.columns == (0, 1, 1, 2, 3, 3)


@pytest.mark.parametrize("count", [1, 40])
def test_parts_that_hang_together_by_nothing_are_near(count: int) -> None:
    placement = placed([(at, count + at) for at in range(count)], sizes=[20.0] * 2 * count)
    heights = sorted({height for (_, column), height in placement.heights.items() if column == 0})
    assert heights == pytest.approx([10 + 48 * at for at in range(count)])
