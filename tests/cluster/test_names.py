"""What a run may be called, and what its manager is called."""

from __future__ import annotations

import pytest

from evo_nas.cluster.names import checked_run, is_url, manager_name
from evo_nas.errors import ConfigError


@pytest.mark.parametrize(
    ("given", "spelt"),
    [
        ("/shared/runs/a", "/shared/runs/a"),
        ("/shared//runs/a/", "/shared/runs/a"),
        ("file:///shared/runs/a", "/shared/runs/a"),
        ("s3://bucket/runs/a/", "s3://bucket/runs/a"),
        ("s3://bucket//runs/a", "s3://bucket/runs/a"),
    ],
)
def test_one_run_has_one_spelling_and_one_manager(given: str, spelt: str) -> None:
    assert checked_run(given) == spelt
    assert manager_name(checked_run(given)) == manager_name(spelt)


def test_runs_of_one_name_in_two_places_have_two_managers() -> None:
    assert manager_name("/one/a") != manager_name("/two/a")
    assert manager_name("/one/a").startswith("a-")


@pytest.mark.parametrize(
    ("run", "complaint"),
    [
        ("runs/a", "must be an absolute path or a URI"),
        ("./a", "must be an absolute path or a URI"),
        ("", "must be an absolute path or a URI"),
        ("/shared/../etc/a", "must have no .. in it"),
        ("s3://bucket/../a", "must have no .. in it"),
        ("/", "end in a name"),
        ("/shared/a b", "end in a name"),
        ("/shared/$(reboot)", "end in a name"),
        ("/shared/" + "a" * 65, "end in a name"),
        ("s3://bucket/a?versionId=1", "must be a URI such as"),
    ],
)
def test_a_run_that_means_something_else_elsewhere_is_refused(run: str, complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        checked_run(run)


def test_a_cluster_is_reached_by_url_or_from_within() -> None:
    assert is_url("http://127.0.0.1:8265")
    assert is_url("https://ray.example")
    assert not is_url("auto")
    assert not is_url("127.0.0.1:6379")
