"""The commands, from a configuration file to an exported champion."""

from __future__ import annotations

import errno
import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import evo_nas
from evo_nas.champion.verdict import stored_verdict
from evo_nas.cli import main
from evo_nas.config import WorkerOptions, load_config
from evo_nas.experiment import Experiment
from evo_nas.ledger import seal, unseal
from evo_nas.runs import Run
from evo_nas.sessions.retrainer import InlineRetrainer

CONFIG = """
name: tiny
seed: 3
task: {kind: parity, length: 12, train: 96, validation: 48, test: 48}
space: {layers: {min: 1, max: 1}, widths: [4, 8], batch_sizes: [64], heads: [0]}
strategy: {kind: aging, population: 6, tournament: 2, warmup: 4}
training: {epochs: 1, device: cpu}
budget: {evaluations: 8}
verdict: {finalists: 2, cuts: 1, trials: 2, seeds: 2, most_seeds: 2}
workers: 1
"""
OPEN = "evo_nas.experiment.Experiment.open"


def evo_nas_command(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def refusal(*arguments: object) -> str:
    """Returns the one-line complaint of a command that must refuse."""
    result = evo_nas_command(*arguments)
    assert result.exit_code == 2, result.output
    assert isinstance(result.exception, SystemExit)
    assert "Traceback" not in result.output
    return result.stderr


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("configs") / "tiny.yaml"
    path.write_text(CONFIG, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def searched(config: Path) -> tuple[Path, Result]:
    """A complete run, and what searching it printed."""
    run = config.parent / "run"
    return run, evo_nas_command("search", config, "--run", run, "--inline")


@pytest.fixture
def run(searched: tuple[Path, Result], tmp_path: Path) -> Path:
    """A copy of the complete run."""
    return Path(shutil.copytree(searched[0], tmp_path / "run"))


def test_search_ends_in_a_verdict(searched: tuple[Path, Result]) -> None:
    _, result = searched
    assert result.exit_code == 0, result.output
    assert "8/8 evaluated" in result.output
    assert "champion #" in result.output
    assert "LSTM" in result.output
    assert "test accuracy" in result.output


def test_the_same_command_again_says_that_the_run_is_complete(config: Path, run: Path) -> None:
    result = evo_nas_command("search", config, "--run", run, "--inline")
    assert result.exit_code == 0
    assert "is complete" in result.output
    assert "verdict" in result.output
    assert len(Run.at(run).history().told) == 8


def test_a_larger_budget_goes_on_where_the_search_ended(config: Path, run: Path) -> None:
    result = evo_nas_command("search", config, "--run", run, "--inline", "--set", "budget.evaluations=10")
    assert result.exit_code == 0, result.output
    assert len(Run.at(run).history().told) == 10


def test_json_is_one_event_a_line_and_ends_in_the_verdict(config: Path, tmp_path: Path) -> None:
    overrides = ("--set", "budget.evaluations=3")
    result = evo_nas_command("search", config, "--run", tmp_path / "run", "--inline", "--json", *overrides)
    events = [json.loads(line) for line in result.stdout.splitlines()]
    said = [event["event"] for event in events]
    assert set(said) == {"working", "loaded", "baselines", "started", "progressed", "completed", "judged"}
    assert (
        said.index("baselines") < said.index("started") < said.index("progressed") < said.index("completed")
    )
    baselines, last = events[said.index("baselines")], events[said.index("completed") - 1]
    assert {"majority", "nearest neighbour"} <= set(baselines["results"])
    assert (last["told"], last["finished"]) == (3, True)
    assert said[-1] == "judged"
    assert events[-1]["verdict"]["evaluations"] == 3


def test_run_directory_is_named_after_the_config(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(config.parent)
    assert evo_nas_command("search", config, "--inline", "--set", "budget.evaluations=1").exit_code == 0
    assert (config.parent / "runs" / "tiny" / "RUN.json").is_file()


def test_resume_goes_on_to_the_budget_that_was_given_last(config: Path, run: Path) -> None:
    raised = Experiment.of(load_config(config, ("budget.evaluations=12", "workers=2")))
    with raised.open(Run.at(run), executor="inline") as search:
        search.step()
    assert "9/12" in evo_nas_command("runs", run).output
    assert Run.at(run).config.workers.count == 2
    result = evo_nas_command("resume", run, "--inline")
    assert result.exit_code == 0, result.output
    assert len(Run.at(run).history().told) == 12


def test_resume_needs_only_the_run(config: Path, run: Path) -> None:
    result = evo_nas_command("resume", run, "--inline")
    assert result.exit_code == 0, result.output
    assert "is complete" in result.output


def test_interrupted_search_keeps_what_it_has_and_says_how_to_go_on(config: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    command = [sys.executable, "-c", "from evo_nas.cli import main; main()", "search", config, "--run", run]
    options = [
        "--inline",
        "--json",
        "--set",
        "budget.evaluations=100000",
        "--set",
        "space.widths=[4,8,9,10,11,12]",
    ]
    with subprocess.Popen([*map(str, command), *options], stdout=subprocess.PIPE, text=True) as searching:
        assert searching.stdout
        while json.loads(searching.stdout.readline())["event"] != "progressed":
            pass
        searching.send_signal(signal.SIGINT)
        events = [json.loads(line) for line in searching.stdout]
    assert searching.returncode == 128 + signal.SIGINT
    last = events[-1]
    assert (last["event"], last["run"], last["evaluations"]) == ("stopped", str(run), 100_000)
    assert len(Run.at(run).history().told) == last["told"]


StoppedIn = Callable[..., Result]


@pytest.fixture
def stopped_in(monkeypatch: pytest.MonkeyPatch) -> Iterator[StoppedIn]:
    """Returns what runs a command that receives a signal in the function of this name."""
    theirs = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)}

    def stopped_in(place: str, number: signal.Signals, *arguments: object) -> Result:
        for each in theirs:
            signal.signal(each, lambda *_: pytest.fail("the command does not listen to signals"))
        monkeypatch.setattr(place, lambda *_, **__: signal.raise_signal(number))
        return evo_nas_command(*arguments)

    yield stopped_in
    for number, handler in theirs.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_while_workers_start_leaves_and_says_how_to_go_on(
    config: Path, run: Path, number: signal.Signals, stopped_in: StoppedIn
) -> None:
    more = ("--set", "budget.evaluations=10")
    ended = stopped_in(OPEN, number, "search", config, "--run", run, "--inline", *more)
    assert ended.exit_code == 128 + number, ended.output
    safe = f"stopped by {number.name}: 8 of 10 evaluations are safe; go on with\n  evo-nas resume {run}\n"
    assert ended.stdout.endswith(safe)
    assert not ended.stderr


def test_signal_before_the_run_exists_leaves_nothing(
    config: Path, tmp_path: Path, stopped_in: StoppedIn
) -> None:
    run = tmp_path / "run"
    ended = stopped_in(OPEN, signal.SIGINT, "search", config, "--run", run, "--inline")
    assert ended.exit_code == 128 + signal.SIGINT, ended.output
    assert "the search had not begun" in ended.stdout
    assert not run.exists()


def test_signal_during_the_verdict_says_that_the_search_is_complete(run: Path, stopped_in: StoppedIn) -> None:
    shutil.rmtree(run / "champion")
    hold = "evo_nas.champion.contest.Contest.hold"
    ended = stopped_in(hold, signal.SIGINT, "resume", run, "--inline")
    assert ended.exit_code == 128 + signal.SIGINT, ended.output
    assert f"the search is complete; judge it with\n  evo-nas resume {run}\n" in ended.stdout
    assert not ended.stderr


def test_changed_config_is_refused_naming_the_keys(config: Path, run: Path) -> None:
    complaint = refusal(
        "search", config, "--run", run, "--inline", "--set", "seed=4", "--set", "training.epochs=2"
    )
    assert complaint.startswith("error: ")
    assert "seed: was 3, is 4" in complaint
    assert "training.epochs: was 1, is 2" in complaint


def test_workers_may_change(config: Path, run: Path) -> None:
    assert evo_nas_command("search", config, "--run", run, "--inline", "--workers", 3).exit_code == 0


def test_every_bad_key_is_named_before_anything_is_written(config: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    complaint = refusal("search", config, "--run", run, "--set", "sead=1", "--set", "budget.evaluations=-1")
    assert [line[:7] for line in complaint.splitlines()] == ["error: ", "error: "]
    assert "did you mean seed" in complaint
    assert "budget.evaluations is -1; must be at least 1" in complaint
    assert not run.exists()


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("task.kind=digit", "did you mean digits"),
        ("strategy.kind=agin", "did you mean aging"),
        ("strategy.population=1", "strategy.population is 1; must be at least 2"),
        ("strategy.tournament=7", "tournament is 7; must be at most the population, 6"),
        ("space.widths=[]", "space.widths is []"),
        ("space.max_parameters=3", "space.max_parameters is 3"),
    ],
)
def test_impossible_options_are_refused_before_anything_is_written(
    config: Path, tmp_path: Path, override: str, message: str
) -> None:
    run = tmp_path / "run"
    assert message in refusal("search", config, "--run", run, "--inline", "--set", override)
    assert not run.exists()


def test_run_directory_that_is_a_file_is_refused(config: Path, tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    taken.write_text("mine")
    assert str(taken) in refusal("search", config, "--run", taken, "--inline")
    assert taken.read_text() == "mine"


@pytest.mark.parametrize("command", ["resume", "show", "verify"])
def test_directory_without_a_run_is_refused(command: str, tmp_path: Path) -> None:
    assert "holds no run" in refusal(command, tmp_path)


def test_show_lists_the_best_first_with_its_lineage(run: Path) -> None:
    shown = json.loads(evo_nas_command("show", run, "--top", 3, "--json").stdout)
    scores = [row["fitness"] for row in shown["best"]]
    assert scores == sorted(scores, reverse=True)
    assert len(scores) == 3
    assert shown["evaluations"] == shown["budget"] == 8
    lineage = shown["lineage"]
    assert lineage[0]["id"] == shown["best"][0]["id"]
    assert lineage[-1]["parents"] == []
    assert all(child["parents"][0] == parent["id"] for child, parent in pairwise(lineage))


def test_show_ends_the_lineage_at_a_lost_forebear(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = Run.at(run).table()
    rows = table.to_pylist()
    child = next(row for row in reversed(rows) if row["parents"])
    lost = child["parents"][0]
    left = table.take([position for position, row in enumerate(rows) if row["id"] != lost])
    monkeypatch.setattr(Run, "table", lambda _: left)
    result = evo_nas_command("show", run, "--candidate", child["id"])
    assert result.exit_code == 0, result.output
    assert result.output.splitlines()[-1].split()[:2] == [f"#{lost}", "lost"]


def test_show_writes_the_equations_of_one_candidate(run: Path) -> None:
    output = evo_nas_command("show", run, "--candidate", 1).output
    assert "candidate #1" in output
    assert "seed:lstm" in output
    assert "h' = " in output
    assert "c' = " in output


def test_show_refuses_a_candidate_that_was_never_evaluated(run: Path) -> None:
    assert "candidate is 99" in refusal("show", run, "--candidate", 99)


def test_runs_lists_each_run_and_the_damaged_ones_too(run: Path) -> None:
    broken = run.parent / "broken"
    broken.mkdir()
    (broken / "RUN.json").write_text("{")
    output = evo_nas_command("runs", run.parent).output
    assert "8/8" in output
    assert "is damaged" in " ".join(output.split())


def test_runs_says_how_to_start_where_there_are_none(tmp_path: Path) -> None:
    assert "start one with `evo-nas search" in evo_nas_command("runs", tmp_path).output


def test_verify_derives_every_candidate_again(run: Path) -> None:
    result = evo_nas_command("verify", run)
    assert result.exit_code == 0, result.output
    assert "all 8 candidates" in result.output


def test_verify_fails_where_the_log_is_not_what_the_seed_gives(run: Path) -> None:
    record = unseal((run / "RUN.json").read_bytes())
    record["config"]["seed"] += 1
    record["seed"] += 1
    (run / "RUN.json").write_bytes(seal(record))
    result = evo_nas_command("verify", run)
    assert result.exit_code == 1
    assert "when derived again" in result.output


def test_exported_champion_loads(run: Path, tmp_path: Path) -> None:
    out = tmp_path / "champion"
    result = evo_nas_command("export", run, "--out", out)
    assert result.exit_code == 0, result.output
    assert {"genome.json", "architecture.json", "model.safetensors"} <= {
        Path(line).name for line in result.stdout.split()
    }
    assert sum(parameter.numel() for parameter in evo_nas.load_champion(out).model.parameters()) > 0


def champion_of(run: Path) -> Path:
    """The folder of the one champion that a run keeps."""
    (folder,) = (path for path in (run / "champion").iterdir() if path.name not in ("trainings", "looks"))
    return folder


@pytest.mark.parametrize("name", ["verdict.json", "model.safetensors", "genome.json"])
def test_a_champion_that_is_not_whole_is_made_again(run: Path, tmp_path: Path, name: str) -> None:
    whole = sorted(path.name for path in champion_of(run).iterdir() if path.is_file())  # no opponents
    (champion_of(run) / name).unlink()
    result = evo_nas_command("export", run, "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert {path.name for path in (tmp_path / "out").iterdir()} == {*whole, "manifest.json"}
    evo_nas.load_champion(tmp_path / "out")


def test_an_export_that_judges_trains_on_workers_as_champion_does(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def retrainer(workers: WorkerOptions, **where: object) -> InlineRetrainer:
        asked.append((workers.most, where))
        return InlineRetrainer()

    monkeypatch.setattr("evo_nas.cli.watching.retrainer_for", retrainer)
    (champion_of(run) / "verdict.json").unlink()
    url = "http://127.0.0.1:8265"
    said = refusal("export", run, "--out", tmp_path / "out", "--address", url)
    assert f"give `evo-nas champion {run} --address {url}` before" in said
    options = ("--workers", 3, "--address", "auto")
    assert evo_nas_command("export", run, "--out", tmp_path / "out", *options).exit_code == 0
    assert asked == [(3, {"executor": "ray", "address": "auto"})]
    # With its verdict there is nothing to train, wherever the cluster is.
    assert evo_nas_command("export", run, "--out", tmp_path / "other", "--address", url).exit_code == 0
    assert len(asked) == 1


@pytest.mark.parametrize("name", ["verdict.json", "baselines.json"])
@pytest.mark.parametrize("content", [b"null", b"\xff\xfe", b"[" * 200_000, b'{"format": 1, "baselines": 3}'])
def test_damage_to_what_can_be_made_again_stops_nothing(run: Path, name: str, content: bytes) -> None:
    folder = champion_of(run)
    (folder / "verdict.json").unlink()
    (run / name if name == "baselines.json" else folder / name).write_bytes(content)
    result = evo_nas_command("resume", run, "--inline")
    assert result.exit_code == 0, result.output
    assert "champion #" in result.output


def test_an_export_that_fails_may_be_tried_again(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, _: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_bytes", full)
        assert "the disk is full" in refusal("export", run, "--out", tmp_path / "out")
    assert evo_nas_command("export", run, "--out", tmp_path / "out").exit_code == 0


def test_export_refuses_a_directory_in_use(run: Path, tmp_path: Path) -> None:
    assert "empty directory" in refusal("export", run, "--out", tmp_path)


def test_a_damaged_run_goes_on_only_when_the_loss_is_accepted(config: Path, run: Path) -> None:
    segment = sorted((run / "segments").iterdir())[3]
    segment.write_bytes(segment.read_bytes()[:-20])
    message = refusal("search", config, "--run", run, "--inline")
    assert segment.name in message
    assert "--accept-data-loss" in message
    result = evo_nas_command("search", config, "--run", run, "--inline", "--accept-data-loss")
    assert result.exit_code == 0, result.output
    assert len(Run.at(run).history().told) == 8
    assert (run / "quarantine").is_dir()
    verified = evo_nas_command("verify", run)
    assert verified.exit_code == 0, verified.output
    assert "3 of 8 candidates were derived again" in verified.output


def test_explain_tells_of_the_champion_that_is_kept_and_draws_it(run: Path, tmp_path: Path) -> None:
    pytest.importorskip("resvg_py", reason="the extra pictures is not installed")
    drawn, painted = tmp_path / "cell.svg", tmp_path / "cell.png"
    result = evo_nas_command("explain", run, "--json", "--picture", drawn)
    assert result.exit_code == 0, result.output
    assert evo_nas_command("explain", run, "--picture", painted).exit_code == 0
    told = json.loads(result.stdout)
    kept = stored_verdict(Run.at(run))
    assert kept is not None
    assert told["candidate"] == kept.candidate == told["lineage"][-1]["candidate"]
    assert told["architecture"] == kept.champion.architecture
    assert "var(" not in drawn.read_text(encoding="utf-8")
    assert painted.read_bytes().startswith(b"\x89PNG")
    shutil.rmtree(run / "champion")
    best = json.loads(evo_nas_command("explain", run, "--json").stdout)
    assert best["candidate"] == Run.at(run).best(1)[0]["id"]
    assert "keeps no champion yet" in refusal("explain", run, "--sample")
