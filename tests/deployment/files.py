"""The files that are deployed, and what is in them."""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Iterator
from importlib.metadata import version
from itertools import dropwhile
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
CLUSTER, DOCKER = ROOT / "cluster", ROOT / "docker"
DOCKERFILE = DOCKER / "Dockerfile"
LAUNCHER = [CLUSTER / "aws.yaml", CLUSTER / "on-premise.yaml"]
KUBERNETES = [CLUSTER / "raycluster.yaml", CLUSTER / "rayjob.yaml"]
COMPOSE = DOCKER / "compose.yaml"
SLURM = CLUSTER / "slurm.sh"
EVERYTHING = [*LAUNCHER, *KUBERNETES, SLURM, CLUSTER / "README.md", *sorted(DOCKER.iterdir())]
IMAGE = f"evo-nas:{version('evo-nas')}"

_PROGRAMS = ("evo-nas", "ray")
_SEPARATORS = {";", "&", "&&", "||", "|", "(", ")", "#"}
_BEFORE_A_PROGRAM = re.compile(r"exec|timeout|\d+|\w+=.*")


def documents(path: Path) -> list[dict[str, Any]]:
    """Returns the documents of a YAML file."""
    return list(yaml.safe_load_all(path.read_text()))


def project() -> dict[str, Any]:
    """Returns the ``project`` table of pyproject.toml."""
    table: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return table


def dockerfile_arguments() -> dict[str, str]:
    """Returns the default of every build argument."""
    return dict(re.findall(r"^ARG (\w+)=(\S+)$", DOCKERFILE.read_text(), re.MULTILINE))


def command_lines(path: Path) -> Iterator[list[str]]:
    """Yields the words of every ``evo-nas`` and ``ray`` command in a file."""
    for text in _shell_texts(path):
        for command in _commands(text):
            words = list(dropwhile(_comes_before_a_program, command))
            starts = [place for place, word in enumerate(words) if word in _PROGRAMS]
            if starts and (starts[0] == 0 or words[0] == "docker") and words[starts[0] + 1 :]:
                yield words[starts[0] :]


def _comes_before_a_program(word: str) -> bool:
    return _BEFORE_A_PROGRAM.fullmatch(word) is not None


def _shell_texts(path: Path) -> Iterator[str]:
    text = path.read_text()
    if path.suffix == ".sh":
        quoted = re.findall(r"bash -c '(.*?)'", text, re.DOTALL)
        yield from (re.sub(r"bash -c '.*?'", "", text, flags=re.DOTALL), *quoted)
    elif path.suffix == ".md":
        yield from re.findall(r"```bash\n(.*?)```", text, re.DOTALL)
        yield from (code.replace("\n", " ") for code in re.findall(r"(?<!`)`([^`]+)`(?!`)", text))
    elif path.suffix == ".yaml":
        yield from (leaf for document in documents(path) for leaf in _leaves(document))
    else:
        yield from (" ".join(re.findall(r'"([^"]*)"', line)) for line in text.splitlines() if "CMD" in line)


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _leaves(item)
    elif isinstance(value, str):
        yield value


def _commands(text: str) -> Iterator[list[str]]:
    for line in text.replace("\\\n", " ").splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars=";&|()")
        lexer.whitespace_split, lexer.commenters = True, "#"
        words: list[str] = []
        for word in (*lexer, ";"):
            if word in _SEPARATORS:
                yield words
                words = []
            else:
                words.append(word)
