"""Every key of a configuration is explained, in the terminal and in docs/reference.md."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner

from evo_nas.cli import main
from evo_nas.config import checked, configured
from evo_nas.config.reference import Key, Section
from evo_nas.config.yaml_text import parse_yaml
from evo_nas.strategies.registry import STRATEGIES
from evo_nas.tasks.registry import TASKS
from evo_nas.views.configuration import all_sections

ROOT = Path(__file__).parents[2]
SECTIONS = all_sections()
WITH_KEYS = [name for name, section in SECTIONS.items() if section.model]


def explained(*arguments: str) -> str:
    done = CliRunner().invoke(main, ["explain-config", *arguments])
    assert done.exit_code == 0, done.output
    return done.output


def refused(*arguments: str) -> str:
    done = CliRunner().invoke(main, ["explain-config", *arguments])
    assert done.exit_code == 2
    return done.stderr


def each(keys: tuple[Key, ...]) -> Iterator[Key]:
    for key in keys:
        yield key
        yield from each(key.keys)


def test_every_task_strategy_and_section_is_there() -> None:
    kinds = [f"task.{kind}" for kind in TASKS] + [f"strategy.{kind}" for kind in STRATEGIES]
    assert set(SECTIONS) == {
        "",
        "task",
        "space",
        "strategy",
        "training",
        "fitness",
        "validation",
        "budget",
        "verdict",
        "workers",
        "warm_start",
        *kinds,
    }


@pytest.mark.parametrize("name", SECTIONS)
def test_a_section_says_what_it_is_for(name: str) -> None:
    assert SECTIONS[name].about


@pytest.mark.parametrize("name", WITH_KEYS)
def test_every_key_has_a_meaning(name: str) -> None:
    assert [key.name for key in each(SECTIONS[name].own_keys()) if not key.meaning] == []


@pytest.mark.parametrize("name", WITH_KEYS)
def test_every_key_says_what_it_takes_without_words_of_python(name: str) -> None:
    for key in each(SECTIONS[name].own_keys()):
        assert key.permitted
        assert not {"None", "tuple", "str", "int", "dict"} & set(key.permitted.split())


@pytest.mark.parametrize("name", WITH_KEYS)
def test_the_example_of_a_section_is_valid(name: str) -> None:
    section, values = SECTIONS[name], parse_yaml(SECTIONS[name].example(), source=name)
    if not name:
        assert configured(values).name
        return
    key, _, kind = name.partition(".")
    inner = dict(values[key])
    assert inner.pop("kind", "") == kind
    assert section.model
    assert checked(section.model, inner, at=name)


@pytest.mark.parametrize("name", WITH_KEYS)
def test_the_example_of_a_section_shows_every_key_that_has_a_default(name: str) -> None:
    section = SECTIONS[name]
    example = section.example()
    for key in section.own_keys():
        if key.is_required or key.default is not None:
            assert f"{key.name}:" in example


def test_a_section_shows_its_keys_with_meaning_values_and_default() -> None:
    shown = explained("training")
    assert "epochs" in shown
    assert "Epochs at the full budget, each a pass" in shown
    assert "a whole number from 1 to 100,000; for example 8" in shown
    assert "one of constant, cosine, halving; default constant" in shown


def test_a_single_key_is_explained_by_its_dotted_name() -> None:
    shown = explained("space.regularisation.dropouts")
    assert "Permitted rates before each layer" in shown
    assert "widths" not in shown


def test_without_a_section_the_whole_file_is_explained() -> None:
    shown = explained()
    assert all(key.name in shown for key in SECTIONS[""].own_keys())
    assert "evo-nas explain-config SECTION" in shown


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("name", SECTIONS)
def test_no_line_is_wider_than_the_terminal(name: str, width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    example = SECTIONS[name].example() if SECTIONS[name].model else ""
    lines = explained(*filter(None, [name]))
    assert [line for line in lines.splitlines() if len(line) > width] == []
    # An example is copied as it stands, so it is neither wrapped nor indented.
    assert example in lines


@pytest.mark.parametrize(
    ("name", "meant"),
    [("trainign", "training"), ("task.forcast", "forecast"), ("training.epoch", "epochs")],
)
def test_an_unknown_name_is_one_error_with_the_closest_one(name: str, meant: str) -> None:
    (line,) = refused(name).splitlines()
    assert line.startswith(f"error: {name} is no section or key of a configuration; did you mean {meant}? ")


def test_the_reference_in_the_documentation_is_what_the_options_say() -> None:
    written = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")
    assert explained("--markdown") == written, "run: evo-nas explain-config --markdown > docs/reference.md"


def test_the_links_of_the_reference_lead_to_its_headings() -> None:
    text = explained("--markdown")
    headings = {line.lstrip("# ").replace(".", "") for line in text.splitlines() if line.startswith("##")}
    linked = {part.partition(")")[0] for part in text.split("](#")[1:]}
    assert linked
    assert linked <= headings


def kinds(section: Section) -> Mapping[str, Section]:
    return {kind.name: kind for kind in section.kinds}


def test_a_section_with_kinds_lists_them() -> None:
    shown = explained("task")
    assert all(name in shown for name in kinds(SECTIONS["task"]))
