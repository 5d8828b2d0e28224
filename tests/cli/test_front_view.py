"""A front is told in a sentence while a search runs, and drawn when it is shown."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from evo_nas.cli.display import LineDisplay
from evo_nas.cli.front_view import HEIGHT, WIDTH, constant_in_words, picture
from evo_nas.cli.live import LiveDisplay
from evo_nas.sessions.events import FrontMember, Progressed, Started, event_from_json, event_to_json
from tests.cli.test_display import shown

MakeProgress = Callable[..., Progressed]
FRONT = (
    FrontMember(id=57, value=0.25, costs={"energy": 0.5, "state_bytes": 1024.0}),
    FrontMember(id=12, value=0.4, costs={"energy": 0.0123, "state_bytes": 64.0}),
)


def test_live_view_tells_how_many_no_other_beats_and_what_they_cost(
    started: Started, progress: MakeProgress
) -> None:
    text = " ".join(" ".join(shown(LiveDisplay, started, progress(front=FRONT))).split())
    assert (
        "front 2 networks that no other beats in all: energy uJ/step 0.0123 to 0.5, state bytes 64 to 1,024"
        in text
    )
    assert "front" not in " ".join(shown(LiveDisplay, started, progress()))


def test_a_line_of_a_log_tells_the_size_of_the_front(started: Started, progress: MakeProgress) -> None:
    assert "front: 2 networks" in " ".join(shown(LineDisplay, started, progress(front=FRONT), width=400))


def test_an_objective_that_decides_nothing_is_told_once(started: Started, progress: MakeProgress) -> None:
    turns = [
        progress(told=turn, elapsed_s=float(turn), front=FRONT, constant=("energy",)) for turn in range(40)
    ]
    for display in (LineDisplay, LiveDisplay):
        text = " ".join(" ".join(shown(display, started, *turns, width=400)).split())
        assert text.count("energy is the same for all networks so far and decides nothing") == 1
    assert constant_in_words(()) == ""
    assert constant_in_words(("macs", "energy")).startswith("macs and energy are the same")


def test_a_front_travels_with_its_event(progress: MakeProgress) -> None:
    event = progress(front=FRONT, constant=("energy",))
    assert event_from_json(event_to_json(event)) == event


def test_a_picture_has_the_best_above_and_the_cheapest_on_the_left() -> None:
    lines = picture([(1.0, 0.2), (2.0, 0.9), (1.5, 0.5)], across="cost", up="accuracy").splitlines()
    assert lines[0] == "accuracy"
    field = [line.partition("|")[2].ljust(WIDTH) for line in lines[1 : 1 + HEIGHT]]
    assert lines[1].startswith("0.9000 |")
    assert lines[HEIGHT].startswith("0.2000 |")
    assert field[0][-1] == field[-1][0] == "o"
    assert sum(line.count("o") for line in field) == 3
    assert lines[-1].split() == ["1", "cost", "2"]
    assert max(map(len, lines)) <= 80


def test_costs_that_differ_by_much_are_drawn_by_their_logarithm() -> None:
    drawn = picture([(1.0, 0.1), (10.0, 0.2), (100.0, 0.3)], across="cost", up="accuracy")
    assert "cost, logarithmic" in drawn
    field = [line.partition("|")[2] for line in drawn.splitlines()]
    places = sorted(line.index("o") for line in field if "o" in line)
    assert places == [0, pytest.approx(WIDTH / 2, abs=1), WIDTH - 1]


def test_one_point_is_no_picture_and_equal_points_are_one() -> None:
    assert picture([(1.0, 0.5)], across="cost", up="accuracy") == ""
    same = picture([(0.0, 0.5), (0.0, 0.5)], across="cost", up="accuracy")
    assert sum(line.partition("|")[2].count("o") for line in same.splitlines() if "|" in line) == 1
