"""The reference of keys is read from the models that declare them."""

from __future__ import annotations

from typing import Self

import pytest
from pydantic import BaseModel, ConfigDict, Field, model_validator

from evo_nas.config.reference import example_of, find, keys_of, meanings_of, remarks_of, sections_of
from evo_nas.config.yaml_text import parse_yaml
from evo_nas.errors import ConfigError


class Base(BaseModel):
    """Options that kinds share.

    They are about files.

    Attributes:
        path: A file; ``*`` stands for
            any characters.
        url: An address.
    """

    model_config = ConfigDict(extra="forbid")

    path: str | None = Field(default=None, examples=["a.csv"])
    url: str | None = Field(default=None, examples=["b.org"])

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.path is None) == (self.url is None):
            raise ValueError("give exactly one of path, url")
        return self


class Inner(BaseModel):
    """A section inside.

    Attributes:
        share: How much.
    """

    share: float = Field(default=0.1, gt=0)


class Table(Base):
    """Options of the kind ``table``.

    Attributes:
        size: How many rows.
        cut: How it is cut.
        name: What it is called.

    Note: what follows the attributes is no attribute.
    """

    size: int = Field(ge=1, examples=[3])
    cut: Inner = Inner()
    name: str | None = None


class Budget(BaseModel):
    """When to stop.

    Attributes:
        rounds: How many rounds.
    """

    rounds: int = 10


class Config(BaseModel):
    """All of it.

    Attributes:
        data: What is read: ``kind`` and its options.
        budget: When to stop.
    """

    data: dict[str, object] = Field(examples=[{"kind": "table"}])
    budget: Budget = Budget()


SECTIONS = sections_of(Config, models={}, kinds={"data": {"table": ("Rows\nand columns.\n\nMore.", Table)}})


def test_meanings_come_from_the_docstrings_of_a_model_and_its_bases() -> None:
    assert meanings_of(Table) == {
        "path": "A file; ``*`` stands for any characters.",
        "url": "An address.",
        "size": "How many rows.",
        "cut": "How it is cut.",
        "name": "What it is called.",
    }


def test_what_a_docstring_says_beside_its_keys_is_kept() -> None:
    assert remarks_of(Table) == ["They are about files."]


def test_a_key_says_what_it_takes_and_what_holds_without_it() -> None:
    path, url, size, cut, name = keys_of(Table)
    assert (size.permitted, size.is_required, size.default) == ("a whole number of at least 1", True, None)
    assert (name.permitted, name.is_required, name.default) == ("text", False, None)
    assert (path.example, url.example, size.example, name.example) == ("a.csv", "b.org", "3", None)
    (share,) = cut.keys
    assert (share.name, share.default, share.permitted) == ("share", "0.1", "a number above 0")


def test_an_example_is_valid_although_some_keys_exclude_others() -> None:
    assert example_of(Table) == {"path": "a.csv", "size": 3, "cut": {"share": 0.1}}
    Table.model_validate(example_of(Table))


def test_sections_come_in_the_order_of_the_configuration() -> None:
    assert list(SECTIONS) == ["", "data", "data.table", "budget"]
    assert SECTIONS["data"].kinds == (SECTIONS["data.table"],)
    assert SECTIONS["data.table"].about == "Rows and columns."
    assert SECTIONS["budget"].model is Budget


def test_the_example_of_a_section_stands_where_it_belongs_in_the_file() -> None:
    assert parse_yaml(SECTIONS["data.table"].example(), source="") == {
        "data": {"kind": "table", **example_of(Table)}
    }
    assert parse_yaml(SECTIONS[""].example(), source="") == example_of(Config)


def test_the_whole_configuration_leaves_the_keys_of_its_sections_to_them() -> None:
    assert [(key.name, key.keys) for key in SECTIONS[""].own_keys()] == [("data", ()), ("budget", ())]


@pytest.mark.parametrize(
    ("name", "section", "key"),
    [
        ("", "", None),
        ("data.table", "data.table", None),
        ("data.table.size", "data.table", "size"),
        ("data.table.cut.share", "data.table", "share"),
        ("budget.rounds", "budget", "rounds"),
    ],
)
def test_sections_and_keys_are_found_by_their_dotted_names(name: str, section: str, key: str | None) -> None:
    found, found_key = find(name, SECTIONS)
    assert found.name == section
    assert (found_key.name if found_key else None) == key


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("budgte", "budgte is no section or key of a configuration; did you mean budget? permitted: data"),
        ("data.tabel", "did you mean table? permitted: table"),
        ("data.table.sise", "did you mean size? permitted: path, url, size, cut, name"),
        ("data.table.size.low", "permitted: none"),
        ("budget.", "permitted: rounds"),
        (".", "permitted: data, data.table, budget"),
    ],
)
def test_a_name_that_is_none_is_refused_with_those_there_are(name: str, message: str) -> None:
    with pytest.raises(ConfigError) as refusal:
        find(name, SECTIONS)
    assert message in str(refusal.value)
