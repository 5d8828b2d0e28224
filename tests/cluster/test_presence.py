"""What is said of a search in a cluster that has ended."""

from __future__ import annotations

import pytest

from evo_nas.cli.presence import Presence
from evo_nas.cluster.manager import Report, Stage
from evo_nas.errors import ExecutionError

RUN, ADDRESS = "/shared/my runs/a", "10.0.0.1:6379"


def test_a_finished_search_is_called_complete_and_not_stopped(capsys: pytest.CaptureFixture[str]) -> None:
    Presence(RUN, ADDRESS, as_json=False).tell_end(Report(3, 1.0, Stage.FINISHED))
    assert capsys.readouterr().out == f"{RUN} is complete\n"


def test_the_error_of_a_failed_search_is_raised() -> None:
    with pytest.raises(ExecutionError, match="the disk is full"):
        Presence(RUN, ADDRESS, as_json=False).tell_end(Report(3, 1.0, Stage.FAILED, error="the disk is full"))


def test_how_to_go_on_with_a_stopped_search_can_be_typed_as_it_stands(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Presence(RUN, ADDRESS, as_json=False).tell_end(Report(3, 1.0, Stage.STOPPED))
    assert f"`evo-nas resume '{RUN}' --address {ADDRESS}`" in capsys.readouterr().out
