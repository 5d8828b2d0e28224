"""`evo-nas strategies` lists the strategies and shows the options of one; a typo in either is named."""

from __future__ import annotations

import json
import re

import pytest
from click.testing import CliRunner

from evo_nas.cli import main
from evo_nas.cli.strategies import needs_of
from evo_nas.config import configured
from evo_nas.errors import ConfigError
from evo_nas.experiment import Experiment
from evo_nas.strategies.random import RandomSearch
from evo_nas.strategies.registry import STRATEGIES

KINDS = sorted(STRATEGIES)


def shown(*arguments: str) -> str:
    done = CliRunner().invoke(main, ["strategies", *arguments])
    assert done.exit_code == 0, done.output
    return done.output


def facts(kind: str) -> dict[str, object]:
    return json.loads(shown(kind, "--json"))


def test_every_strategy_is_listed_in_the_order_of_the_alphabet_with_a_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "400")
    listed = [line.split(maxsplit=1) for line in shown().partition("\n\n")[0].splitlines()]
    assert [kind for kind, _ in listed] == KINDS
    for kind, line in listed:
        summary = " ".join((STRATEGIES[kind].__doc__ or "").partition("\n\n")[0].split())
        assert line.startswith(summary.replace("`", "").removesuffix("."))


@pytest.mark.parametrize("kind", KINDS)
def test_a_strategy_shows_its_options_with_values_and_default_and_its_paper(kind: str) -> None:
    text = " ".join(shown(kind).split())
    for option, field in STRATEGIES[kind].Options.model_fields.items():
        assert re.search(rf"\b{option} ", text)
        if isinstance(field.default, bool | float | int) and not field.examples:
            assert "default" in text
    assert " source " in text
    assert f"kind: {kind}" in text


@pytest.mark.parametrize("kind", KINDS)
def test_the_facts_for_machines_are_those_of_the_options(kind: str) -> None:
    told, fields = facts(kind), STRATEGIES[kind].Options.model_fields
    options = {option["name"]: option for option in told["options"]}
    assert told["kind"] == kind
    assert list(options) == list(fields)
    assert all(option["meaning"] and option["permitted"] for option in options.values())
    for name, field in fields.items():
        assert options[name]["required"] == field.is_required()
        if isinstance(field.default, bool | int | float | str):
            assert options[name]["default"] == field.default


@pytest.mark.parametrize("kind", KINDS)
def test_the_paper_of_a_strategy_is_known(kind: str) -> None:
    assert facts(kind)["sources"], f"name the paper in the first docstring of {STRATEGIES[kind].__module__}"
    for source in facts(kind)["sources"]:
        authors, title, place = source.split('"')
        assert re.fullmatch(r"[A-Z](\w|[ ,.'-])*, ", authors)
        assert re.search(r"\b(19|20)\d\d$", title + place)


def test_a_citation_holds_authors_title_and_year() -> None:
    assert facts("aging")["sources"] == [
        'Real, Aggarwal, Huang and Le, "Regularized Evolution for Image Classifier Architecture Search", AAAI 2019'
    ]


def test_the_command_line_and_machines_list_the_same() -> None:
    assert [json.loads(line)["kind"] for line in shown("--json").splitlines()] == KINDS


def test_what_a_strategy_needs_is_the_command_that_installs_it() -> None:
    class Needy(RandomSearch):
        extra = "bayes"

    assert needs_of(Needy) == "pip install 'evo-nas[bayes]'"
    assert facts("random")["needs"] is None


def test_an_unknown_strategy_is_one_error_with_the_nearest_one() -> None:
    done = CliRunner().invoke(main, ["strategies", "agin"])
    assert done.exit_code == 2
    (line,) = done.stderr.splitlines()
    assert line == f"error: agin is no strategy; did you mean aging? permitted: {', '.join(KINDS)}"


def test_an_unknown_kind_in_a_configuration_is_one_error_with_the_nearest_one() -> None:
    with pytest.raises(ConfigError, match="strategy.kind is randon; did you mean random"):
        Experiment.of(
            configured(
                {
                    "name": "x",
                    "task": {"kind": "digits"},
                    "budget": {"evaluations": 8},
                    "strategy": {"kind": "randon"},
                }
            )
        )


WITH_OPTIONS = [kind for kind in KINDS if STRATEGIES[kind].Options.model_fields]


@pytest.mark.parametrize("kind", WITH_OPTIONS)
def test_a_typo_in_an_option_is_one_error_with_the_nearest_one(kind: str) -> None:
    option = max(STRATEGIES[kind].Options.model_fields, key=len)
    typo = option[:-1] + "x"
    with pytest.raises(ConfigError, match=f"strategy.{typo} is unknown; did you mean {option}"):
        Experiment.of(
            configured(
                {
                    "name": "x",
                    "task": {"kind": "digits"},
                    "budget": {"evaluations": 8},
                    "strategy": {"kind": kind, typo: 1},
                }
            )
        )


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("kind", ["", *KINDS])
def test_no_line_is_wider_than_the_terminal(kind: str, width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    assert [line for line in shown(*filter(None, [kind])).splitlines() if len(line) > width] == []
