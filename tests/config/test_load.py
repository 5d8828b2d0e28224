"""A configuration file means what it says, or is refused with a line a person can act on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evo_nas.config import checked, configured, load_config
from evo_nas.errors import ConfigError
from evo_nas.genome.options import SpaceOptions

MINIMAL = "name: small\ntask: {kind: digits}\n"


def write(directory: Path, text: str) -> Path:
    path = directory / "search.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def problems(path: Path, *overrides: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load_config(path, overrides)
    return str(caught.value).splitlines()


def test_minimal_file_gets_the_defaults(tmp_path: Path) -> None:
    config = load_config(write(tmp_path, MINIMAL))
    assert (config.name, config.seed, config.strategy) == ("small", 1, {"kind": "aging"})
    assert config.budget.most_evaluations == 120
    assert config.training.device == "auto"
    assert config.base_dir == tmp_path


def test_workers_may_be_a_bare_count(tmp_path: Path) -> None:
    workers = load_config(write(tmp_path, MINIMAL + "workers: 3\n")).workers
    assert (workers.fewest, workers.most) == (3, 3)


@pytest.mark.parametrize(
    ("given", "fewest_and_most"),
    [
        ("{max: 8}", (1, 8)),
        ("{min: 2, max: 8}", (2, 8)),
        ("{count: 4}", (4, 4)),
        ("{count: 2, max: 8}", (2, 8)),
    ],
)
def test_workers_may_be_a_range(given: str, fewest_and_most: tuple[int, int], tmp_path: Path) -> None:
    workers = load_config(write(tmp_path, MINIMAL + f"workers: {given}\n")).workers
    assert (workers.fewest, workers.most) == fewest_and_most


def test_more_workers_to_keep_than_to_ask_for_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="min is 5 and max is 2; min must be at most max"):
        load_config(write(tmp_path, MINIMAL + "workers: {min: 5, max: 2}\n"))


def test_recorded_config_is_the_same_again_with_overrides_on_top(tmp_path: Path) -> None:
    config = load_config(write(tmp_path, MINIMAL + "workers: 3\ntraining: {time_limit_s: 7}\n"))
    recorded = json.loads(json.dumps(config.model_dump(mode="json")))
    assert configured(recorded) == config
    assert configured(recorded, ["workers.count=5"]).workers.count == 5
    assert recorded == config.model_dump(mode="json")


def test_base_dir_may_be_given_relative_to_the_file(tmp_path: Path) -> None:
    assert load_config(write(tmp_path, MINIMAL + "base_dir: data\n")).base_dir == tmp_path / "data"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("1e-3", 0.001),
        ("no", "no"),
        ("1:30", "1:30"),
        ("0x10", 16),
        ("0o10", 8),
        ("010", 10),
        (".5", 0.5),
        ("~", None),
        ("", None),
        ("true", True),
        ("yes", "yes"),
        ("2024-01-01", "2024-01-01"),
        ("'7'", "7"),
    ],
)
def test_scalars_follow_yaml_1_2(tmp_path: Path, written: str, meant: object) -> None:
    value = load_config(write(tmp_path, f"name: a\ntask: {{kind: digits, value: {written}}}\n")).task["value"]
    assert value == meant
    assert type(value) is type(meant)


def test_overrides_win_over_the_file_and_may_add_sections(tmp_path: Path) -> None:
    path = write(tmp_path, MINIMAL + "budget: {evaluations: 9}\nworkers: 2\n")
    config = load_config(
        path, ["budget.evaluations=50", "workers.cpus=0.5", "space.widths=[8, 16]", "seed=7"]
    )
    assert (config.budget.evaluations, config.seed) == (50, 7)
    assert (config.workers.count, config.workers.cpus) == (2, 0.5)
    assert config.space == {"widths": [8, 16]}


def test_every_problem_is_listed_with_its_path(tmp_path: Path) -> None:
    text = """
        name: Bad Name
        task: {kind: digits}
        training: {epochs: "8", device: gpu}
        budget: {evaluatons: 120, train_minutes: .inf}
        workers: {count: 0, attempts: 1.5}
        stratgy: {kind: aging}
    """
    assert problems(write(tmp_path, text)) == [
        'name is "Bad Name"; must be text that matches ^[a-z0-9][a-z0-9_.-]{0,63}$',
        'training.epochs is "8"; must be a whole number',
        "training.device is \"gpu\"; must be 'auto', 'cpu' or 'cuda'",
        "budget.train_minutes is Infinity; must be a finite number",
        "budget.evaluatons is unknown; did you mean evaluations? permitted: evaluations, minutes, train_minutes, "
        "stop_when_flat",
        "workers.count is 0; must be at least 1",
        "workers.attempts is 1.5; must be a whole number",
        "stratgy is unknown; did you mean strategy? permitted: "
        "name, seed, task, space, strategy, training, fitness, validation, warm_start, budget, verdict, workers, "
        "base_dir",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "holds no keys"),
        ("- a\n- b\n", "holds no keys"),
        ("seed: 1\ntask: {kind: digits}\n", "name is missing"),
        ("name: a\n", "task is missing"),
        ("name: a\ntask: {}\n", "task is {}; must say its `kind`, a name"),
        ("name: a\ntask: digits\n", 'task is "digits"; must be a section'),
        ("name: a\nname: b\n", "line 2, column 1: the key name is given twice"),
        ("name: a\n1: b\n", "the key 1 is not a name"),
        ("a: &x [1]\n", "line 1, column 4: an anchor (&x) is not allowed"),
        ("a: *x\n", "an alias (*name) is not allowed"),
        ("<<: {name: a}\ntask: {kind: digits}\n", "<< is unknown"),
        ("name: !!python/object/apply:os.getcwd []\n", "a tag (!!python/object/apply:os.getcwd) is not"),
        (MINIMAL + "seed: !!bool abc\n", "line 3, column 7: a tag (!!bool) is not allowed; remove it"),
        (MINIMAL + "space: !!set {a}\n", "a tag (!!set) is not allowed"),
        (MINIMAL + "seed: !!binary YQ==\n", "a tag (!!binary) is not allowed"),
        (MINIMAL + "seed: ! 5\n", "a tag (!) is not allowed"),
        (MINIMAL + "seed: !mine 5\n", "a tag (!mine) is not allowed"),
        ("name: [a\n", "line 2"),
        ("name: a\n---\nname: b\n", "expected a single document"),
        ("name: " + "[" * 10_000, "nested more than 32 deep"),
        (MINIMAL + "seed: " + "9" * 5_000, "a number of 5000 digits is not allowed"),
        (MINIMAL + "seed: -1\n", "seed is -1; must be at least 0"),
        (MINIMAL + "seed: true\n", "seed is true; must be a whole number"),
        (MINIMAL + "budget:\n", "budget is null; must be a section"),
        (MINIMAL + "workers: true\n", "workers is true; must be a section"),
        ("x" * 300_000, "more than 262144 bytes"),
    ],
)
def test_bad_text_is_one_clear_line(tmp_path: Path, text: str, message: str) -> None:
    (line,) = [line for line in problems(write(tmp_path, text)) if message in line]
    assert "\n" not in line


def test_a_wrong_entry_of_a_list_is_told_once() -> None:
    with pytest.raises(ConfigError) as refused:
        checked(SpaceOptions, {"widths": [0]}, at="space")
    assert str(refused.value).count("\n") == 0
    assert "space.widths[0] is 0; must be at least 1" in str(refused.value)


def test_alias_bomb_is_refused_before_it_grows(tmp_path: Path) -> None:
    bomb = "a0: &a0 [x, x]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]\n" for i in range(1, 60))
    assert "an anchor (&a0) is not allowed" in problems(write(tmp_path, bomb))[0]


def test_unreadable_files_are_named(tmp_path: Path) -> None:
    assert "does not exist" in problems(tmp_path / "none.yaml")[0]
    assert "cannot be read" in problems(tmp_path)[0]
    path = tmp_path / "latin.yaml"
    path.write_bytes(b"name: caf\xe9\n")
    assert "not UTF-8 at byte 9" in problems(path)[0]


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("seed", "is not of the form key=value"),
        ("=3", "is not of the form key=value"),
        ("budget..x=3", "is not of the form key=value"),
        ("name.first=a", "goes into name, which is no section"),
        ("budget.evaluation=3", "budget.evaluation is unknown; did you mean evaluations?"),
        ("seed=*x", "an alias (*name) is not allowed"),
        ("seed=[", "seed=["),
    ],
)
def test_bad_override_is_one_clear_line(tmp_path: Path, override: str, message: str) -> None:
    (line,) = problems(write(tmp_path, MINIMAL), override)
    assert message in line


def test_from_python_a_mapping_is_checked_like_a_file() -> None:
    with pytest.raises(ConfigError, match="sead is unknown; did you mean seed"):
        configured({"name": "a", "task": {"kind": "digits"}, "sead": 1})


@pytest.mark.parametrize(
    "path", sorted((Path(__file__).parents[2] / "configs").glob("*.yaml")), ids=lambda path: path.stem
)
def test_every_example_loads_under_its_own_name(path: Path) -> None:
    assert load_config(path).name == path.stem
