"""Options say which of their fields are paths."""

from __future__ import annotations

from pathlib import Path

import pytest

from evo_nas.data.options import StrictOptions
from evo_nas.data.paths import (
    DataPath,
    DataPaths,
    HubName,
    check_that_files_differ,
    data_files,
    data_paths,
    expanded,
    resolved,
    written_paths,
)
from evo_nas.errors import DataError


class Inner(StrictOptions):
    file: DataPath | None = None


class Options(StrictOptions):
    path: DataPaths | None = None
    one: DataPath | None = None
    classes: dict[str, DataPaths] | None = None
    hub: HubName | None = None
    label: str = "/no/path"
    output: Path = Path("ours")
    inner: Inner = Inner()


def options(**given) -> Options:
    return Options.model_validate(given)


def test_only_declared_fields_that_are_given_are_paths() -> None:
    assert data_paths(options()) == {}
    assert data_paths(options(path="a.csv", one="b.npz")) == {
        "path": (Path("a.csv"),),
        "one": (Path("b.npz"),),
    }


def test_paths_of_mappings_and_sections_have_dotted_names() -> None:
    found = data_paths(options(classes={"up": ["a", "b"], "down": "c"}, inner={"file": "d"}))
    assert found == {
        "classes.up": (Path("a"), Path("b")),
        "classes.down": (Path("c"),),
        "inner.file": (Path("d"),),
    }


def test_paths_are_found_before_anything_is_checked() -> None:
    written = {
        "path": ["a", "b"],
        "one": 5,
        "classes": {"up": "c", "down": ["d", None]},
        "hub": "org/weather",
        "label": "/no/path",
        "inner": {"file": "e"},
        "unknown": "f",
    }
    assert list(written_paths(Options, written)) == [
        *(("path", "a"), ("path", "b"), ("classes.up", "c"), ("classes.down", "d")),
        *(("hub", "org/weather"), ("inner.file", "e")),
    ]


def test_a_name_on_the_hub_is_no_path_but_a_folder_is(tmp_path) -> None:
    assert data_paths(options(hub="org/weather")) == {}
    assert data_paths(options(hub=str(tmp_path))) == {"hub": (tmp_path,)}
    assert data_paths(options(hub="/on/another/machine")) == {"hub": (Path("/on/another/machine"),)}


def test_relative_paths_start_from_the_base_and_absolute_ones_stay() -> None:
    given = options(path=["a.csv", "/b.csv"], classes={"up": "u"}, inner={"file": "i"}, label="/l")
    found = resolved(given, Path("/base"))
    assert found.path == (Path("/base/a.csv"), Path("/b.csv"))
    assert found.classes == {"up": (Path("/base/u"),)}
    assert found.inner.file == Path("/base/i")
    assert (found.output, found.label) == (Path("ours"), "/l")
    assert given.path == (Path("a.csv"), Path("/b.csv"))


def test_the_home_folder_is_expanded(monkeypatch) -> None:
    monkeypatch.setenv("HOME", "/home/anna")
    assert resolved(options(one="~/a.npz"), Path("/base")).one == Path("/home/anna/a.npz")
    assert resolved(options(path=["~/a", "b"]), Path()).path == (Path("/home/anna/a"), Path("b"))


def test_a_local_data_set_lies_under_the_base_and_a_name_on_the_hub_stays(tmp_path) -> None:
    (tmp_path / "weather").mkdir()
    assert resolved(options(hub="weather"), tmp_path).hub == str(tmp_path / "weather")
    assert resolved(options(hub="wether"), tmp_path).hub == "wether"


def test_resolving_gives_nothing_that_was_left_open() -> None:
    assert resolved(options(path="a"), Path("/base")).model_fields_set == {"path"}


def test_a_folder_or_pattern_stands_for_its_files_by_name(tmp_path) -> None:
    for name in ("b.csv", "a.csv", ".hidden", "c.txt"):
        (tmp_path / name).touch()
    assert [path.name for path in expanded([tmp_path])] == ["a.csv", "b.csv", "c.txt"]
    assert [path.name for path in expanded([tmp_path / "*.csv"])] == ["a.csv", "b.csv"]
    assert expanded([tmp_path / "nowhere.csv"]) == [tmp_path / "nowhere.csv"]
    assert expanded(None) == []


@pytest.mark.parametrize("name", ["nothing", "*.csv"])
def test_a_folder_or_pattern_without_files_is_refused(name, tmp_path) -> None:
    (tmp_path / "nothing").mkdir()
    with pytest.raises(DataError, match="has no file; give a file, a folder with files or a pattern"):
        expanded([tmp_path / name])


def test_files_of_a_local_data_set_may_lie_in_folders_of_it(tmp_path) -> None:
    (tmp_path / "weather" / "train").mkdir(parents=True)
    (tmp_path / "weather" / "train" / "a.jsonl").touch()
    (tmp_path / "b.csv").touch()
    found = data_files(options(path=tmp_path / "b.csv", hub=str(tmp_path / "weather")))
    assert [path.name for path in found] == ["b.csv", "a.jsonl"]


def test_an_empty_list_of_paths_is_refused() -> None:
    with pytest.raises(ValueError, match="must name at least one file, folder or pattern"):
        options(path=[])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"path": ["*.csv"], "one": "test.csv"}, "test.csv is in path and in one"),
        ({"path": "folder", "one": "folder/test.csv"}, "test.csv is in path and in one"),
        ({"path": ["train.csv", "t*.csv"]}, "train.csv is twice in path"),
        (
            {"classes": {"up": "train.csv", "down": "tr*.csv"}},
            r"train.csv is in classes.up and in classes.down",
        ),
        ({"path": "train.csv", "one": "link"}, "link is in path and in one"),
    ],
)
def test_a_file_that_is_named_twice_is_refused(given, message, tmp_path) -> None:
    (tmp_path / "folder").mkdir()
    for name in ("train.csv", "test.csv", "folder/test.csv"):
        (tmp_path / name).touch()
    (tmp_path / "link").symlink_to(tmp_path / "train.csv")
    with pytest.raises(DataError, match=message):
        check_that_files_differ(resolved(options(**given), tmp_path))


@pytest.mark.parametrize("name", ["loop", "a\0b.csv", "*\0", "loop/*.csv"])
def test_a_path_that_can_lead_nowhere_is_one_clear_line(name, tmp_path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(DataError, match=r"cannot be a file|has no file"):
        check_that_files_differ(resolved(options(path=name), tmp_path))


def test_files_that_differ_are_accepted(tmp_path) -> None:
    for name in ("a1.csv", "a2.csv", "test.csv"):
        (tmp_path / name).touch()
    check_that_files_differ(resolved(options(path=["a*.csv"], one="test.csv"), tmp_path))


def test_a_folder_of_folders_stands_for_the_files_in_these(tmp_path) -> None:
    for name in ("a/1.wav", "b/2.wav", "b/.hidden", ".git/3.wav"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert expanded([tmp_path]) == [tmp_path / "a/1.wav", tmp_path / "b/2.wav"]
    (tmp_path / "0.csv").touch()
    assert expanded([tmp_path]) == [tmp_path / "0.csv"]
