"""Commands with ``--service`` say what they say of runs of this machine."""

from __future__ import annotations

import json
import shlex
import shutil
from collections.abc import Iterator
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

import evo_nas
from evo_nas.champion.verdict import stored_verdict
from evo_nas.cli.app import main
from evo_nas.client import Client, ServiceError
from evo_nas.config import configured
from evo_nas.experiment import Experiment
from evo_nas.runs import Run
from evo_nas.server.launcher import Launcher, Order
from evo_nas.server.options import Limits
from evo_nas.sessions.events import Judged, Stopped, Working, event_to_json
from tests.served import make_root, options, rows, serving, settings
from tests.server.launching import wait_until


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_root(tmp_path_factory.mktemp("served"))


@pytest.fixture(scope="module")
def url(root: Path) -> Iterator[str]:
    with serving(options(root)) as url:
        yield url


def command(*arguments: object, **environment: str) -> Result:
    return CliRunner().invoke(main, [str(each) for each in arguments], env=environment)


def at(url: str, *arguments: object) -> Result:
    return command(*arguments, "--service", url)


def trimmed(told: Result) -> list[str]:
    return [line.rstrip() for line in told.stdout.splitlines()]


def test_runs_lists_those_of_the_service_by_their_names(url: str) -> None:
    told = at(url, "runs", "--json")
    assert told.exit_code == 0, told.output
    assert {json.loads(line)["run"] for line in told.stdout.splitlines()} == {"judged", "open"}
    states = {row[0]: row[-1] for row in map(str.split, at(url, "runs").stdout.splitlines())}
    assert states == {"run": "state", "judged": "judged", "open": "complete"}


def test_the_service_may_be_named_by_the_environment(url: str) -> None:
    assert "judged" in command("runs", EVO_NAS_SERVICE=url).stdout


@pytest.mark.parametrize("run", ["judged", "open"])
def test_a_run_is_shown_as_it_is_here(url: str, root: Path, run: str) -> None:
    here = command("show", root / run, "--top", 3)
    there = at(url, "show", run, "--top", 3)
    assert there.exit_code == 0, there.output
    # Only the place of the run is another one.
    assert there.stdout.splitlines()[1:] == here.stdout.splitlines()[1:]
    shown = [
        json.loads(at(url, "show", run, "--json").stdout),
        json.loads(command("show", root / run, "--json").stdout),
    ]
    assert [each.pop("run") for each in shown] == [run, str(root / run)]
    assert shown[0] == shown[1]


def test_more_candidates_are_shown_than_the_page_has(url: str, root: Path) -> None:
    values = settings(root.parent / "data" / "rows.csv", name="longer", budget={"evaluations": 12})
    with Experiment.of(configured(values)).open(Run.at(root / "longer"), executor="inline") as search:
        search.run()
    here, there = command("show", root / "longer", "--top", 12), at(url, "show", "longer", "--top", 12)
    assert there.stdout.splitlines()[1:] == here.stdout.splitlines()[1:]
    assert json.loads(at(url, "show", "longer", "--top", 11, "--json").stdout)["best"][10]
    assert "count" in at(url, "show", "longer", "--top", 201).stderr


def test_data_of_the_service_are_looked_at(url: str, root: Path, tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(yaml.safe_dump(settings(root.parent / "data" / "rows.csv")))
    here = command("data", file, "--json", "--no-baselines")
    there = at(url, "data", file, "--json", "--no-baselines", "--picture", tmp_path / "data.svg")
    assert there.exit_code == 0, there.output
    assert json.loads(there.stdout) == json.loads(here.stdout)
    assert (tmp_path / "data.svg").read_text().startswith("<svg")
    here, there = command("data", file, "--no-baselines"), at(url, "data", file, "--no-baselines")
    # Only the histograms of lengths are drawn from the data themselves.
    assert trimmed(there) == [line.replace("   lengths", "") for line in trimmed(here)]


def test_a_champion_is_explained_as_it_is_here(url: str, root: Path) -> None:
    here = command("explain", root / "judged")
    assert here.exit_code == 0, here.output
    assert at(url, "explain", "judged").stdout == here.stdout
    assert (
        at(url, "explain", "judged", "--latex").stdout
        == command("explain", root / "judged", "--latex").stdout
    )


@pytest.mark.parametrize("options", [("--candidate", "2"), ("--sample",)], ids=["a candidate", "on a sample"])
def test_another_network_is_explained_as_it_is_here(url: str, root: Path, options: tuple[str, ...]) -> None:
    here = command("explain", root / "judged", *options)
    there = at(url, "explain", "judged", *options)
    assert there.exit_code == 0, there.output
    assert there.stdout == here.stdout


def test_the_best_so_far_is_explained_where_there_is_no_champion(url: str, root: Path) -> None:
    there = at(url, "explain", "open")
    assert there.exit_code == 0, there.output
    assert there.stdout == command("explain", root / "open").stdout


@pytest.mark.parametrize(
    "asked",
    [
        ("verify",),
        ("finalists", "--count", "2"),
        ("replay", "--set", "fitness.rungs=[]", "--workers", "2", "--draws", "1"),
    ],
    ids=lambda asked: asked[0],
)
def test_a_run_is_analysed_as_it_is_here(
    url: str, root: Path, monkeypatch: pytest.MonkeyPatch, asked: tuple[str, ...]
) -> None:
    monkeypatch.chdir(root)  # where runs are called by their names, too
    name, *options = asked
    here = command(name, "open", *options)
    there = at(url, name, "open", *options)
    assert here.exit_code == there.exit_code == 0, there.output
    assert trimmed(there) == trimmed(here)
    assert json.loads(at(url, name, "open", *options, "--json").stdout) == json.loads(
        command(name, "open", *options, "--json").stdout
    )


def test_a_damaged_run_is_not_verified(url: str, root: Path) -> None:
    shutil.copytree(root / "open", root / "damaged")
    try:
        segment = next((root / "damaged").rglob("*.parquet"))
        segment.write_bytes(segment.read_bytes()[:-9])
        told = at(url, "verify", "damaged")
    finally:
        shutil.rmtree(root / "damaged")
    assert told.exit_code == 1
    assert "damaged: " in told.stdout
    assert "is damaged" in told.stdout


def test_runs_are_compared_as_they_are_here(
    url: str, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(root)
    shutil.copytree(root / "judged", root / "again")
    try:
        here = command("compare", "judged", "again")
        there = at(url, "compare", "judged", "again", "--picture", tmp_path / "ranks.svg")
        refused = at(url, "compare", "judged", "open")
    finally:
        shutil.rmtree(root / "again")
    assert there.exit_code == 0, there.output
    assert there.stdout == here.stdout
    assert (tmp_path / "ranks.svg").read_text().startswith("<svg")
    assert refused.exit_code == 2
    assert refused.stderr == command("compare", "judged", "open").stderr


def test_a_portfolio_is_learnt_as_it_is_here(
    url: str, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(root)
    here = command("portfolio", "judged", "open", "--output", tmp_path / "here.json", "--count", "2")
    there = at(url, "portfolio", "judged", "open", "--output", tmp_path / "there.json", "--count", "2")
    assert there.exit_code == 0, there.output
    assert there.stdout.splitlines()[:-1] == here.stdout.splitlines()[:-1]
    assert (tmp_path / "there.json").read_bytes() == (tmp_path / "here.json").read_bytes()
    for again in (("portfolio", "judged", "open"), ("portfolio", "judged")):
        refused = at(url, *again, "--output", tmp_path / "there.json")
        assert (refused.exit_code, "exists" in refused.stderr) == (2, True)


def test_a_file_is_predicted_as_it_is_here(url: str, root: Path, tmp_path: Path) -> None:
    file = tmp_path / "new.csv"
    rows().to_csv(file, index=False)
    here = command("predict", root / "judged", "--input", file, "--score")
    there = at(url, "predict", "judged", "--input", file, "--score")
    assert there.exit_code == 0, there.output
    assert there.stderr == here.stderr

    def values(table: str) -> list[list[str]]:
        return [line.split(",") for line in table.splitlines()]

    for ours, theirs in zip(values(here.stdout), values(there.stdout), strict=True):
        assert ours[:2] == theirs[:2]
        assert [each[:6] for each in ours[2:]] == [each[:6] for each in theirs[2:]]


def test_an_export_is_written_here(url: str, root: Path, tmp_path: Path) -> None:
    told = at(url, "export", "judged", "--out", tmp_path / "champion")
    assert told.exit_code == 0, told.output
    assert (tmp_path / "champion" / "manifest.json").is_file()
    here = command("export", root / "judged", "--out", tmp_path / "here")
    assert told.stderr == here.stderr.replace("permitted", "permitted (at the service)")


def test_a_report_is_written_here(url: str, tmp_path: Path) -> None:
    pytest.importorskip("vl_convert", reason="vl-convert-python draws the figures")
    told = at(url, "report", "open", "--out", tmp_path / "report.html")
    assert told.exit_code == 0, told.output
    assert (tmp_path / "report.html").read_text().startswith("<!doctype html>")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("explain", "nowhere"), "run nowhere does not exist"),
        (("explain", "open", "--sample"), "open keeps no champion yet, which --sample reads"),
        (("explain", "judged", "--candidate", "99"), "99"),
        (("verify", "nowhere"), "run nowhere does not exist"),
        (("compare", "judged"), "there is 1 run; give at least 2"),
        (("replay", "judged", "--set", "seed=3"), "override seed=3 cannot be replayed"),
        (("ensemble", "open"), "run open has no verdict yet; judge it with"),
        (("show", "runs/judged"), "must be the name of a run of the service"),
        (("logs", "../session"), "must be the name of a run of the service"),
        (("attach", "judged", "--address", "auto"), "--address auto is given beside a service"),
        (("resume", "judged", "--inline"), "--inline is given beside a service"),
        (
            ("runs", "--token-file", "/nowhere/token"),
            "/nowhere/token cannot be read: No such file or directory; check",
        ),
        (("export", "judged", "--out", "x", "--format", "onxx"), "onnx"),
        (("predict", "judged"), "--input"),
    ],
)
def test_what_a_service_refuses_is_one_line(url: str, arguments: tuple[str, ...], said: str) -> None:
    told = at(url, *arguments)
    assert told.exit_code == 2
    assert said in told.stderr
    assert "Traceback" not in told.output


def test_a_service_that_is_not_there_is_said_in_one_line() -> None:
    told = at("http://127.0.0.1:9", "runs")
    assert told.exit_code == 2
    assert told.stderr.startswith("error: no service answers at http://127.0.0.1:9")


def test_a_cluster_or_a_service_must_be_named_to_attach() -> None:
    told = command("attach", "/runs/mine", EVO_NAS_ADDRESS="")
    assert told.exit_code == 2
    assert "--service" in told.stderr


def test_the_token_is_taken_from_a_file(root: Path, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("a-token-of-tests-alone\n")
    with serving(options(root, token="a-token-of-tests-alone")) as url:
        refused = at(url, "runs")
        assert refused.exit_code == 2
        assert "--token-file" in refused.stderr
        told = at(url, "runs", "--token-file", file)
    assert told.exit_code == 0, told.output


def test_the_service_judges_a_run(url: str, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    verdict = stored_verdict(Run.at(root / "judged"))
    assert verdict is not None
    said = [
        event_to_json(each) for each in (Working(doing="tuning", done=1, total=2), Judged(verdict=verdict))
    ]
    orders: list[Order] = []

    def command_of(_: Launcher, place: str, order: Order) -> tuple[str, ...]:
        orders.append(order)
        return ("/bin/sh", "-c", "sleep 0.1; " + "; ".join(f"echo {shlex.quote(each)}" for each in said))

    monkeypatch.setattr(Launcher, "command", command_of)
    for _ in range(2):  # the verdict of before is no event of the second time
        told = at(url, "champion", "open", "--seeds", "2", "--opponents", "gru", "--json")
        assert told.exit_code == 0, told.output
        assert told.stdout.splitlines() == said
    assert {"--seeds=2", "--opponents=gru"} <= set(orders[0].arguments)
    at(url, "champion", "open", "--workers", "2", "--tuned")
    assert {"--workers=2", "--tuned"} <= set(orders[-1].arguments)


def test_finalists_are_judged_at_the_service(url: str, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root)
    options = ("--count", "1", "--trainings", "1")
    told = at(url, "finalists", "open", "--judge", *options, "--json")
    assert told.exit_code == 0, told.output
    assert json.loads(told.stdout)["judged_on"]
    assert json.loads(told.stdout) == json.loads(command("finalists", "open", *options, "--json").stdout)


TUNED = {
    "candidate": 3,
    "metric": "accuracy",
    "higher_is_better": True,
    "epochs": 1,
    "failed": 0,
    "trials": [{"number": 0, "fitness": 0.5, "epochs": 1, "settings": {}, "changes": {}}],
    "architecture": "1 layer",
    "schedule": "cosine",
    "out": "out",
    "sentence": "no trial was better",
}


def launching(monkeypatch: pytest.MonkeyPatch, script: str) -> list[Order]:
    """Lets every launch be a shell script, and collects what was to be launched."""
    orders: list[Order] = []

    def command_of(_: Launcher, place: str, order: Order) -> tuple[str, ...]:
        orders.append(order)
        return ("/bin/sh", "-c", script)

    monkeypatch.setattr(Launcher, "command", command_of)
    return orders


def test_a_network_is_tuned_at_the_service_and_fetched(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = shlex.quote(json.dumps(TUNED))
    orders = launching(
        monkeypatch, f"echo trial 1 >&2; sleep 0.3; mkdir out; echo {{}} > out/manifest.json; echo {said}"
    )
    out = tmp_path / "tuned"
    told = at(url, "tune", "open", "--candidate", "3", "--trials", "2", "--workers", "1", "--out", out)
    assert told.exit_code == 0, told.output
    assert {"--candidate=3", "--trials=2", "--workers=1", "--out=out"} <= set(orders[0].arguments)
    assert "trial 1" in told.stderr
    assert "no trial was better" in told.stdout
    assert (out / "manifest.json").is_file()
    again = at(url, "tune", "open", "--out", out)
    assert again.exit_code == 2
    assert len(orders) == 1
    assert json.loads(at(url, "tune", "open", "--json").stdout) == TUNED | {"out": None}


def test_what_fails_at_the_service_is_said_once_and_leaves_the_run_as_it_was(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    launching(monkeypatch, "echo 'error: every trial of the tuning failed' >&2; exit 2")
    told = at(url, "tune", "judged", "--cell", "lstm")
    assert told.exit_code == 2
    assert told.stderr == "error: every trial of the tuning failed\n"
    assert json.loads(at(url, "status", "judged", "--json").stdout)["state"] == "judged"


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (("--cell", "nothing"), "cell is nothing; must be one of "),
        (
            ("--candidate", "99"),
            "candidate is 99; must be the id of one that run judged has trained and scored",
        ),
        (("--searcher", "hyperopt"), "library hyperopt is not installed"),
        (("--searcher", "best"), "searcher: "),
    ],
)
def test_what_cannot_be_tuned_is_refused_at_once(
    url: str, monkeypatch: pytest.MonkeyPatch, asked: tuple[str, str], said: str
) -> None:
    orders = launching(monkeypatch, "true")
    monkeypatch.setattr(
        "evo_nas.strategies.gene_proposers.find_spec",
        lambda name: None if name == "hyperopt" else find_spec(name),
    )
    told = at(url, "tune", "judged", *asked)
    assert told.exit_code == 2
    assert said in told.stderr
    assert orders == []


def test_an_ensemble_is_selected_at_the_service(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    row = {"name": "champion", "networks": 1, "parameters": 56, "validation": 0.9, "test": 0.8}
    values = {
        "metric": "accuracy",
        "higher_is_better": True,
        "rows": [row | {"latency_ms": 0.1}],
        "shares": {"champion": 1.0},
        "look": 2,
        "sentence": "unused",
    }
    orders = launching(monkeypatch, f"echo {shlex.quote(json.dumps(values))}")
    told = at(url, "ensemble", "judged", "--size", "3")
    assert told.exit_code == 0, told.output
    assert orders[0].arguments == ("--size=3",)
    assert "the champion is best (0.9 accuracy)" in " ".join(told.stdout.split())


def test_a_champion_is_trained_on_new_data_at_the_service(url: str, root: Path, tmp_path: Path) -> None:
    file = tmp_path / "new.csv"
    rows(80).to_csv(file, index=False)
    options = ("--data", file, "--epochs", "1", "--from", "weights")
    there = at(url, "retrain", "judged", *options, "--out", tmp_path / "there")
    assert there.exit_code == 0, there.output
    here = command("retrain", root / "judged", *options, "--out", tmp_path / "here")
    assert there.stdout.splitlines()[-2:] == here.stdout.splitlines()[-2:]
    weights = [(tmp_path / place / "model.safetensors").read_bytes() for place in ("here", "there")]
    assert weights[0] == weights[1]
    missing = at(url, "retrain", "judged", "--data", tmp_path / "no.csv", "--out", tmp_path / "no")
    assert missing.exit_code == 2
    assert "no.csv cannot be read" in missing.stderr


def test_data_that_lie_at_the_service_are_trained_on_without_being_sent(
    url: str, root: Path, tmp_path: Path
) -> None:
    rows(80).to_csv(root.parent / "data" / "later.csv", index=False)
    options = ("--epochs", "1", "--data")
    there = at(url, "retrain", "judged", "--there", *options, "later.csv", "--out", tmp_path / "there")
    assert there.exit_code == 0, there.output
    here = command(
        "retrain", root / "judged", *options, root.parent / "data/later.csv", "--out", tmp_path / "here"
    )
    assert there.stdout.splitlines()[-2:] == here.stdout.splitlines()[-2:]
    secret = tmp_path / "secret.csv"
    secret.write_text("hunter2")
    (root.parent / "data" / "linked").mkdir()
    (root.parent / "data" / "linked" / "secret.csv").symlink_to(secret)
    for data, said in (
        ("no.csv", "data is no.csv, which is no file under a data root"),
        ("../runs", "data is ../runs; must lie under "),
        (secret, f"data is {secret}; must lie under "),
        ("linked", "a link that leads out of the data roots"),
    ):
        refused = at(url, "retrain", "judged", "--there", "--data", data, "--out", tmp_path / "no")
        assert (refused.exit_code, said in refused.stderr) == (2, True), refused.stderr
    alone = command("retrain", root / "judged", "--there", "--data", "later.csv", "--out", tmp_path / "no")
    assert (alone.exit_code, "--there is given without --service" in alone.stderr) == (2, True)


def test_who_sends_too_much_is_told_how_data_need_not_be_sent(root: Path, tmp_path: Path) -> None:
    rows(80).to_csv(tmp_path / "new.csv", index=False)
    with serving(options(root, limits=Limits(body=100))) as url:
        told = at(url, "retrain", "judged", "--data", tmp_path / "new.csv", "--out", tmp_path / "out")
    assert told.exit_code == 2
    assert "put the data under a data root and name them by their path, with --there" in told.stderr


def test_only_the_same_retraining_is_followed_while_it_is_under_way(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = {"settings": "as before", "sentence": "better"}
    orders = launching(
        monkeypatch,
        f"until [ -e {tmp_path}/end ]; do sleep 0.05; done; mkdir out; echo > out/x; "
        f"echo {shlex.quote(json.dumps(said))}",
    )
    for number, name in enumerate(("new.csv", "other.csv")):
        rows(80 + number).to_csv(tmp_path / name, index=False)
    run = Client(url).run("judged")
    first = run.retrain([tmp_path / "new.csv"], epochs=3)
    assert run.retrain([tmp_path / "new.csv"], epochs=3).launch == first.launch
    busy = f"launch {first.launch} of run judged is under way, which is `retrain --data=data/new.csv .*--epochs=3`"
    (tmp_path / "folder").mkdir()
    shutil.copy(tmp_path / "other.csv", tmp_path / "folder" / "new.csv")
    others = (
        partial(run.retrain, [tmp_path / "new.csv"], epochs=4),
        partial(run.retrain, [tmp_path / "folder" / "new.csv"], epochs=3),
        run.make_ensemble,
    )
    for other in others:
        with pytest.raises(ServiceError, match=busy) as refused:
            other()
        assert refused.value.status == 409
    (tmp_path / "end").touch()
    command = (
        "retrain",
        "judged",
        "--data",
        tmp_path / "new.csv",
        "--epochs",
        "3",
        "--out",
        tmp_path / "out",
    )
    told = at(url, *command)
    assert told.exit_code == 0, told.output
    assert "better" in told.stdout
    assert len({order.posted for order in orders}) == 1


def test_a_log_is_followed_to_its_end(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    launching(monkeypatch, "echo first >&2; sleep 0.7; echo second >&2; printf third >&2")
    Client(url).run("judged").make_ensemble()
    told = at(url, "logs", "judged", "--follow")
    assert told.exit_code == 0, told.output
    assert told.stdout.splitlines() == ["first", "second", "third"]


def test_a_run_without_lines_is_said_to_have_none(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    launching(monkeypatch, "true")
    Client(url).run("judged").make_ensemble()
    told = at(url, "logs", "judged", "--follow")
    assert (told.exit_code, told.stdout) == (0, "")
    assert told.stderr.startswith("judged has no lines: its newest process has printed none")


def test_a_run_that_is_starting_is_said_to_be_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    launching(monkeypatch, "exec sleep 600")
    with serving(options(tmp_path)) as url:
        run = Client(url).submit({"name": "beginning", "task": {"kind": "parity"}})
        for words in (("ask", "beginning"), ("ensemble", "beginning"), ("verify", "beginning")):
            told = at(url, *words)
            assert (told.exit_code, told.stdout) == (2, "")
            assert told.stderr.startswith("error: run beginning is starting and holds nothing yet")
        run.stop()
        wait_until(lambda: "does not exist, or holds nothing yet" in at(url, "ask", "beginning").stderr)


def test_what_is_refused_is_told_with_commands(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "judge it with `evo-nas champion open` or POST" in at(url, "ensemble", "open").stderr
    launching(monkeypatch, "exec sleep 600")
    run = Client(url).run("open")
    run.resume(budget={"evaluations": 9})
    assert "stop it with `evo-nas stop open` or POST" in at(url, "resume", "open").stderr
    run.stop()
    wait_until(lambda: run.detail().state == "complete")


@pytest.mark.slow
def test_a_search_is_watched_and_found_again(url: str, root: Path, tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(yaml.safe_dump({**settings(root.parent / "data" / "rows.csv"), "name": "mine"}))
    told = at(url, "search", file, "--json")
    assert told.exit_code == 0, told.output
    kinds = [json.loads(line)["event"] for line in told.stdout.splitlines()]
    assert kinds[-1] == "judged"
    assert {"started", "progressed", "completed"} <= set(kinds)
    again = at(url, "search", file)
    assert again.exit_code == 0, again.output
    assert "the champion" in " ".join(again.stdout.split())
    changed = at(url, "search", file, "--set", "seed=7")
    assert changed.exit_code == 2
    assert "seed: was 1, is 7" in changed.stderr
    assert "mine" in at(url, "status").stdout
    assert json.loads(at(url, "status", "mine", "--json").stdout)["evaluated"] == 6
    assert at(url, "logs", "mine").exit_code == 0
    complete = at(url, "resume", "mine")
    assert complete.exit_code == 0, complete.output
    assert complete.stdout == again.stdout
    further = at(url, "resume", "mine", "--set", "budget.evaluations=8", "--json")
    assert further.exit_code == 0, further.output
    assert json.loads(further.stdout.splitlines()[-1])["verdict"]["evaluations"] == 8


def test_a_judged_search_goes_on_with_a_larger_budget_alone(
    url: str, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The options of this strategy follow the budget that the run began with.
    values = {**settings(root.parent / "data" / "rows.csv"), "name": "older", "strategy": {"kind": "aging"}}
    evo_nas.search(values, root / "older", executor="inline")
    verdict = stored_verdict(Run.at(root / "older"))
    assert verdict is not None
    stored = Judged(verdict=verdict)
    file = tmp_path / "older.yaml"
    file.write_text(yaml.safe_dump(values))
    orders = launching(monkeypatch, f"echo '{event_to_json(Stopped(run='older', told=6, evaluations=9))}'")
    for words in (("search", file), ("resume", "older")):
        same = at(url, *words)
        assert same.exit_code == 0, same.output
        assert "the champion" in " ".join(same.stdout.split())
    less = at(url, "resume", "older", "--set", "budget.evaluations=3")
    assert less.exit_code == 2, less.output
    assert "budget.evaluations is 3; must be at least 6" in less.stderr
    assert not orders
    launching(monkeypatch, f"echo '{event_to_json(stored)}'")
    Client(url).run("older").judge()
    Client(url).run("older").wait()
    orders = launching(monkeypatch, f"echo '{event_to_json(Stopped(run='older', told=6, evaluations=9))}'")
    larger = at(url, "search", file, "--set", "budget.evaluations=40", "--json")
    assert larger.exit_code == 0, larger.output
    # Without the verdict of before, which another launch has said.
    assert [json.loads(line)["event"] for line in larger.stdout.splitlines()] == ["stopped"]
    assert [(each.doing, each.arguments) for each in orders] == [
        ("resume", ("--set", "budget.evaluations=40"))
    ]
