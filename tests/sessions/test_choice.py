"""The address decides where a search is run."""

from __future__ import annotations

import pytest

from evo_nas.errors import ConfigError
from evo_nas.sessions import open_session
from evo_nas.sessions.actor import ActorSession
from evo_nas.sessions.local import LocalSession


def test_without_an_address_it_is_this_process() -> None:
    assert isinstance(open_session("runs/a"), LocalSession)


@pytest.mark.parametrize("address", ["auto", "10.0.0.1:6379"])
def test_an_address_of_a_head_means_its_manager(address: str) -> None:
    session = open_session("/shared/a", address=address)
    assert isinstance(session, ActorSession)
    assert (session.place, session.address, session.outlives) == ("/shared/a", address, True)


def test_a_relative_place_in_a_cluster_is_refused() -> None:
    with pytest.raises(ConfigError, match="run is runs/a; must be an absolute path"):
        open_session("runs/a", address="auto")


@pytest.mark.parametrize("option", ["inline", "accept_data_loss"])
def test_options_of_this_machine_are_refused_beside_an_address(option: str) -> None:
    with pytest.raises(ConfigError, match="is given beside an address"):
        open_session("/shared/a", address="auto", **{option: True})
