"""A command that is sent to a cluster is the same command there, and its output is printed here."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner, Result
from ray.job_submission import JobStatus

from evo_nas.cli.app import main
from evo_nas.cluster import jobs as module

URL, RUN = "http://127.0.0.1:8265", "/shared/runs/mine"


class FakeJobs:
    """A cluster that takes every command and says the same of all."""

    sent: list[list[str]]
    under_way: list[str]
    status = JobStatus.SUCCEEDED
    says = ("retraining", '{"event": "judged"}')

    def __init__(self, url: str) -> None:
        assert url == URL

    def submit(self, command: list[str], run: str, *, role: str) -> str:
        assert (run, role) == (RUN, command[1])
        self.sent.append(command)
        return "new"

    def of_run(self, run: str, *, role: str) -> list[Any]:
        return [SimpleNamespace(id=name, ended=False) for name in self.under_way]

    def follow(self, submission: str) -> Iterator[str | None]:
        yield from (None, f"this is {submission}", *self.says)

    def outcome(self, submission: str) -> JobStatus:
        return self.status


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> type[FakeJobs]:
    fake = type("Cluster", (FakeJobs,), {"sent": [], "under_way": []})
    monkeypatch.setattr(module, "Jobs", fake)
    return fake


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(main, [*arguments, "--address", URL])


def test_the_same_options_arrive_there(cluster: type[FakeJobs]) -> None:
    done = invoke(
        "champion", "/shared//runs/mine", "--trials", "3", "--opponents", "lstm,gru", "--workers", "4"
    )
    assert done.exit_code == 0, done.output
    assert "this is new\nretraining\n" in done.stdout
    (command,) = cluster.sent
    assert command[:3] == ["evo-nas", "champion", RUN]
    assert command[-2:] == ["--address", "auto"]
    given = dict(zip(command[3::2], command[4::2], strict=True))
    assert (given["--trials"], given["--opponents"], given["--workers"]) == ("3", "lstm,gru", "4")
    # What is typed there is a command that this version takes.
    assert CliRunner().invoke(main, [*command[1:], "--help"]).exit_code == 0


def test_flags_arrive_and_objects_are_alone_on_standard_output(cluster: type[FakeJobs]) -> None:
    done = invoke("finalists", RUN, "-k", "2", "--judge", "--json")
    assert done.stdout == '{"event": "judged"}\n'
    assert {"--judge", "--json", "--count"} <= set(cluster.sent[0])
    assert "--inline" not in cluster.sent[0]


def test_what_was_not_given_is_not_sent(cluster: type[FakeJobs]) -> None:
    invoke("tune", RUN, "--trials", "3")
    assert not {"--cell", "--candidate", "--out", "--json", ""} & set(cluster.sent[0])


def test_leaving_a_job_does_not_end_it(cluster: type[FakeJobs], monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> Iterator[str]:
        yield "retraining"
        raise KeyboardInterrupt

    monkeypatch.setattr(cluster, "follow", interrupted)
    done = invoke("champion", RUN)
    assert done.exit_code == 130
    assert "the job goes on in the cluster; the same command follows it" in done.stderr


def test_a_job_that_is_under_way_is_followed(cluster: type[FakeJobs]) -> None:
    cluster.under_way = ["earlier"]
    assert "this is earlier" in invoke("tune", RUN).stdout
    assert not cluster.sent


def test_a_command_that_fails_there_fails_here(cluster: type[FakeJobs]) -> None:
    cluster.status = JobStatus.FAILED
    done = invoke("champion", RUN)
    assert done.exit_code == 2
    assert "the command ended in the cluster (failed), and said above why" in done.stderr


def test_places_of_this_machine_are_refused(cluster: type[FakeJobs]) -> None:
    assert "must be an absolute path or a URI" in invoke("champion", "runs/mine").stderr
    done = invoke("tune", RUN, "--out", "tuned")
    assert "--out is tuned, which a job of the cluster would write to its own machine" in done.stderr
    assert not cluster.sent
