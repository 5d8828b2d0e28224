"""Every command line in what is deployed, and in its how-tos, is one that the programs take."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest
import ray.scripts.scripts

from evo_nas.cli import main
from tests.deployment.files import CLUSTER, COMPOSE, DOCKER, EVERYTHING, SLURM, command_lines

PROGRAMS: dict[str, click.Group] = {"evo-nas": main, "ray": ray.scripts.scripts.cli}
LINES = [(path, line) for path in EVERYTHING for line in command_lines(path)]


def parse(words: list[str]) -> str:
    """Parses a command line as its program would, without running it; returns the name of the subcommand."""
    program, *arguments = (re.sub(r"\$\{.*?\}|\$\w+", "1", word) for word in words)
    group = PROGRAMS[program]
    with group.make_context(program, arguments) as context:
        name, command, rest = group.resolve_command(context, [*context._protected_args, *context.args])
        assert name is not None
        assert command is not None
        command.make_context(name, rest, parent=context).close()
        return name


@pytest.mark.parametrize(
    ("path", "line"), LINES, ids=lambda part: part.name if isinstance(part, Path) else part[1]
)
def test_a_program_takes_the_command(path: Path, line: list[str]) -> None:
    if line[1] == "--help":
        with pytest.raises(click.exceptions.Exit):
            parse(line)
    else:
        assert parse(line) == line[1]


@pytest.mark.parametrize(
    "line",
    [
        ["evo-nas", "submit", "search.yaml", "--address", "auto", "--rum", "/runs/a"],
        ["evo-nas", "submit", "--address", "auto"],
        ["evo-nas", "subnit", "search.yaml"],
        ["ray", "start", "--haed"],
    ],
)
def test_a_wrong_command_would_be_noticed(line: list[str]) -> None:
    with pytest.raises(click.UsageError):
        parse(line)


@pytest.mark.parametrize(
    ("path", "names"),
    [
        (CLUSTER / "README.md", {"token", "submit", "attach", "status"}),
        (DOCKER / "README.md", {"token", "submit", "attach", "export"}),
        (CLUSTER / "rayjob.yaml", {"search"}),
        (COMPOSE, {"start", "serve"}),
        (SLURM, {"token", "start", "search", "stop"}),
    ],
    ids=lambda part: part.name if isinstance(part, Path) else "",
)
def test_the_commands_of_a_file_are_found(path: Path, names: set[str]) -> None:
    assert names <= {words[1] for words in command_lines(path)}


@pytest.mark.parametrize("path", EVERYTHING, ids=lambda path: path.name)
def test_no_dashboard_is_open_to_the_world(path: Path) -> None:
    # Only the service may be reached from elsewhere, since it asks for a token of its own.
    served = [line for line in path.read_text().splitlines() if "0.0.0.0" in line]
    assert all("serve" in line for line in served)
    assert not served or "--token-file" in path.read_text()
    for words in command_lines(path):
        if words[:2] == ["ray", "start"] and "--head" in words:
            assert {"--dashboard-host=127.0.0.1", "--include-dashboard=false"} & set(words)
