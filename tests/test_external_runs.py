"""A program takes part in a search from another process: what it hands in is trained, and survives kills."""

from __future__ import annotations

import json
import math
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from evo_nas.cli import main
from evo_nas.client import Client, RemoteRun
from evo_nas.genome.codec import from_json
from evo_nas.ledger import seal
from evo_nas.runs import Run, exchange
from evo_nas.strategies.suggestions import number_in
from tests.ledger.samples import evaluations
from tests.served import options, serving

EVO_NAS = Path(sys.executable).with_name("evo-nas")
CONFIG = """
name: outside
seed: 3
task: {kind: forecast, path: waves.csv, targets: [y], window: 8, horizon: 1}
space: {widths: [4, 6, 8], batch_sizes: [32], cell_nodes: 8, layers: {min: 1, max: 2}, seeds: [lstm]}
strategy: {kind: external, share: 0.5, beside: {kind: aging, population: 10, tournament: 3, warmup: 5}}
training: {epochs: 1, time_limit_s: 20}
budget: {evaluations: 12}
workers: 1
"""
PATIENCE_S = 300.0


def evo_nas_command(*arguments: object, given: str = "") -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments], input=given)


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("outside")
    rows = [f"{math.sin(step / 5):.4f},{math.cos(step / 9):.4f}" for step in range(200)]
    (folder / "waves.csv").write_text("x,y\n" + "\n".join(rows) + "\n")
    (folder / "outside.yaml").write_text(CONFIG)
    return folder / "outside.yaml"


@pytest.fixture(scope="module")
def searched(config: Path) -> Path:
    """A run that has spent its first budget, which no program took part in."""
    place = config.parent / "run"
    assert evo_nas_command("search", config, "--run", place, "--inline").exit_code == 0
    return place


@pytest.fixture
def run(searched: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(searched, tmp_path / "run"))


def asked(run: Path, *arguments: str) -> list[dict[str, Any]]:
    ran = evo_nas_command("ask", run, *arguments)
    assert ran.exit_code == 0, ran.output
    return [json.loads(line) for line in ran.stdout.splitlines()]


def told(run: Path, *proposals: object, name: str = "gpt") -> tuple[int, list[dict[str, Any]]]:
    lines = "\n".join(each if isinstance(each, str) else json.dumps(each) for each in proposals)
    ran: Result = evo_nas_command("tell", run, "--name", name, given=lines + "\n")
    return ran.exit_code, [json.loads(line) for line in ran.stdout.splitlines()]


def suggestions(run: Path) -> dict[int, Any]:
    history = Run.at(run).history()
    return {
        number: each for each in history.told if (number := number_in(each.candidate.operator)) is not None
    }


def test_a_program_learns_the_space_the_best_and_the_results_since_its_last_question(run: Path) -> None:
    lines = asked(run, "-n", "4", "--top", "2")
    assert [line["kind"] for line in lines] == ["space", "best", "best", *["result"] * 12, "wanted"]
    space, best, wanted = lines[0], lines[1], lines[-1]
    assert {"layer1.width", "training.learning_rate"} <= {gene["name"] for gene in space["genes"]}
    assert len(best["genome"]) == len(space["genes"])
    assert from_json(json.dumps(best["architecture"])).layers
    assert best["fitness"] >= lines[2]["fitness"]
    # The budget is spent, so that nothing more is wanted.
    assert (wanted["proposals"], wanted["since"]) == (0, 12)
    assert [line["kind"] for line in asked(run, "--since", "12", "--top", "0")] == ["wanted"]
    assert [line["seq"] for line in asked(run, "--since", "9", "--top", "0")[:-1]] == [9, 10, 11]


def test_proposals_of_every_form_are_trained_and_the_run_is_verified(run: Path) -> None:
    space, best, *_ = asked(run, "--top", "1")
    genome = list(best["genome"])
    # Far enough from all that evolution will come upon.
    for place, gene in enumerate(space["genes"]):
        if gene["name"] in ("layer1.width", "training.learning_rate", "training.clip"):
            genome[place] = (genome[place] + len(gene["choices"]) // 2) % len(gene["choices"])
    architecture = best["architecture"] | {"training": best["architecture"]["training"] | {"clip": 0.25}}
    clips = next(gene["choices"] for gene in space["genes"] if gene["name"] == "training.clip")
    architecture["training"]["clip"] = next(
        clip for clip in clips if clip != best["architecture"]["training"]["clip"]
    )
    code, answers = told(
        run,
        {"genome": genome, "note": "wider"},
        {"architecture": architecture},
        {"cell": "mgu", "base": "best"},
        {"recipe": {"training.optimizer": "rmsprop", "width": 8}, "base": "lstm"},
    )
    assert (code, [answer.get("accepted") for answer in answers]) == (0, [1, 2, 3, 4]), answers
    assert asked(run, "--since", "12", "--top", "0")[-1]["waiting"] == [1, 2, 3, 4]
    ran = evo_nas_command("resume", run, "--inline", "--set", "budget.evaluations=26")
    assert ran.exit_code == 0, ran.output
    made = suggestions(run)
    assert sorted(made) == [1, 2, 3, 4]
    assert made[1].candidate.genome == tuple(genome)
    assert {each.candidate.operator.split(":")[1] for each in made.values()} == {"gpt"}
    results = [line for line in asked(run, "--since", "12", "--top", "0") if line["kind"] == "result"]
    assert sorted(line["suggestion"] for line in results if line["suggestion"]) == [1, 2, 3, 4]
    verified = evo_nas_command("verify", run)
    assert verified.exit_code == 0, verified.output
    known = {each.candidate.canonical_hash for each in Run.at(run).history().told}
    assert len(known) == 26


def test_what_is_known_malformed_or_infeasible_is_refused_and_costs_nothing(run: Path) -> None:
    _, best, *_ = asked(run, "--top", "1")
    good = {"recipe": {"training.optimizer": "rmsprop", "width": 8, "layers": 2}, "base": "lstm"}
    before = sorted(path.name for path in run.rglob("*"))
    code, answers = told(
        run,
        {"genome": best["genome"]},
        "{",
        {"recipe": {"width": 5}},
        {"cell": "/etc/passwd"},
        {"cell": "gru", "base": 10_000},
        '{"genome": [' + "1," * 300_000 + "1]}",
    )
    assert code == 1
    reasons = [answer["refused"] for answer in answers]
    for reason, words in zip(
        reasons,
        ["known: candidate", "not JSON", "one of 4, 6, 8", "no known name", "base is", "longer"],
        strict=True,
    ):
        assert words in reason
    assert sorted(path.name for path in run.rglob("*")) == before
    # One that is refused does not stop the others, and the code says that one was.
    code, answers = told(run, "{", good, good)
    assert (code, answers[1]["accepted"]) == (1, 1)
    assert "waits already: proposal 1" in answers[2]["refused"]


def test_what_another_writer_left_in_the_inbox_stops_neither_the_program_nor_the_search(
    run: Path, config: Path
) -> None:
    written = seal({"number": 1, "name": "other", "note": "", "genome": [999], "mark": ""})
    (run / "inbox" / "00000001.json").write_bytes(written)
    assert asked(run, "--top", "0")[-1]["waiting"] == []
    code, answers = told(run, {"cell": "mgu", "base": "lstm"})
    assert (code, answers[0]["accepted"]) == (0, 2)
    more = ("--set", "budget.evaluations=20")
    assert evo_nas_command("search", config, "--run", run, "--inline", *more).exit_code == 0
    assert list(suggestions(run)) == [2]
    assert evo_nas_command("verify", run).exit_code == 0


def test_a_name_that_no_operator_may_have_and_a_run_of_another_strategy_are_refused(
    run: Path, config: Path, tmp_path: Path
) -> None:
    for name in ("", "a b", "a:1", "../x", "x" * 33):
        assert evo_nas_command("tell", run, "--name", name).exit_code == 2
    plain = tmp_path / "plain"
    chosen = ("--set", "strategy={kind: random}", "--set", "budget.evaluations=2")
    assert evo_nas_command("search", config, "--run", plain, "--inline", *chosen).exit_code == 0
    for command in ("ask", "tell"):
        refused = evo_nas_command(command, plain)
        assert refused.exit_code == 2
        assert "takes no proposals from outside" in " ".join(refused.stderr.split())
    assert not (plain / "inbox").exists()


def test_a_suggestion_that_was_changed_afterwards_fails_the_verification(run: Path) -> None:
    assert told(run, {"cell": "mgu"})[0] == 0
    assert evo_nas_command("verify", run).exit_code == 0
    path = run / "inbox" / "00000001.json"
    path.write_text(path.read_text().replace('"gpt"', '"me"'))
    damaged = evo_nas_command("verify", run)
    assert damaged.exit_code == 1
    assert "inbox/00000001.json is damaged" in damaged.output


class Searching:
    """A search in a process of its own."""

    def __init__(self, *arguments: object) -> None:
        self.process = subprocess.Popen(
            [EVO_NAS, *map(str, arguments), "--inline", "--json"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def until(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            assert self.process.poll() is None, "the search has ended"
            assert time.monotonic() < deadline
            time.sleep(0.2)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


def test_a_program_takes_part_while_another_process_searches_is_killed_and_goes_on(
    config: Path, tmp_path: Path
) -> None:
    place = tmp_path / "run"
    # Evolution may come upon a proposal before it is asked for, which then counts as known; random search will not.
    beside = ("--set", "strategy.beside={kind: random}")
    search = Searching("search", config, "--run", place, "--set", "budget.evaluations=100000", *beside)
    try:
        search.until((place / "inbox" / "space.json").exists)
        assert told(place, {"cell": "mgu"}, {"cell": "gru"}, name="first")[0] == 0
        search.until(lambda: len(suggestions(place)) == 2)
        # Handed in right before the kill: whether it was asked for or not, it is not lost.
        assert (
            told(place, {"recipe": {"training.optimizer": "rmsprop"}, "base": "lstm"}, name="second")[0] == 0
        )
    finally:
        search.kill()
    assert (
        told(place, {"recipe": {"training.optimizer": "rmsprop", "width": 8}, "base": "lstm"}, name="third")[
            0
        ]
        == 0
    )
    again = Searching("resume", place)
    try:
        again.until(lambda: len(suggestions(place)) == 4)
        again.process.send_signal(signal.SIGTERM)
        again.process.wait(PATIENCE_S)
    finally:
        again.kill()
    assert {number: each.candidate.operator.split(":")[1] for number, each in suggestions(place).items()} == {
        1: "first",
        2: "first",
        3: "second",
        4: "third",
    }
    verified = evo_nas_command("verify", place)
    assert verified.exit_code == 0, verified.output


def test_the_results_come_in_pages_over_a_service(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked_for: list[dict[str, Any]] = []
    values = RemoteRun._values

    def five_a_page(self: RemoteRun, method: str, path: str, **arguments: Any) -> Any:
        arguments["params"] = {**arguments["params"], "limit": 5}
        page = values(self, method, path, **arguments)
        asked_for.append(page)
        return page

    monkeypatch.setattr(RemoteRun, "_values", five_a_page)
    with serving(options(run.parent)) as url:
        there = evo_nas_command("ask", run.name, "--top", "2", "--service", url)
    assert [json.loads(line) for line in there.stdout.splitlines()] == asked(run, "--top", "2")
    assert [page["next"] for page in asked_for] == [5, 10, None]
    kinds = [[line["kind"] for line in page["lines"]] for page in asked_for]
    assert kinds[0] == ["space", "best", "best", *["result"] * 5, "wanted"]
    assert kinds[1:] == [[*["result"] * 5, "wanted"], ["result", "result", "wanted"]]
    # Whoever knows no pages asks on from where the last line says.
    assert [page["lines"][-1]["since"] for page in asked_for] == [5, 10, 12]


def test_pages_have_each_result_once_though_the_search_goes_on(run: Path) -> None:
    pages, since = [], None
    with Run.at(run).open_ledger(Run.at(run).config, describe=lambda _: "{}") as ledger:
        while since is None or since < pages[-1][-1]["told"]:
            if len(pages) < 3:
                ledger.append(evaluations(100 + len(pages)), born=[])
            pages.append([*exchange.asked(Run.at(run), proposals=1, since=since, top=0, limit=4)])
            since = pages[-1][-1]["since"]
    results = [line["id"] for page in pages for line in page if line["kind"] == "result"]
    assert results == Run.at(run).table()["id"].to_pylist()
    assert results[-3:] == [100, 101, 102]


def test_no_question_loads_the_whole_run(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Run) -> None:
        raise AssertionError("all columns of all evaluations would be in memory")

    for whole in ("table", "history"):
        monkeypatch.setattr(Run, whole, refuse)
    assert len(asked(run, "-n", "2")) == 1 + 5 + 12 + 1
    code, (answer,) = told(run, {"cell": "mgu", "base": 3})
    assert (code, answer["accepted"]) == (0, 1)


def test_a_candidate_is_looked_up_once_for_all_that_is_based_on_it(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_up: list[int] = []
    rows = Run.rows
    monkeypatch.setattr(Run, "rows", lambda self, ids: [looked_up.append(*ids), *rows(self, ids)][1:])
    code, answers = told(run, *({"cell": cell, "base": 3} for cell in ("mgu", "gru")))
    assert (code, len(answers), looked_up) == (0, 2, [3])


def test_a_program_takes_part_over_a_service(run: Path) -> None:
    def lines(*arguments: object, given: str = "") -> tuple[int, list[dict[str, Any]]]:
        ran = evo_nas_command(*arguments, given=given)
        return ran.exit_code, [json.loads(line) for line in ran.stdout.splitlines()]

    with serving(options(run.parent)) as url:
        assert lines("ask", "run", "--top", "2", "--service", url) == (0, asked(run, "--top", "2"))
        given = "\n".join(("nonsense", "x" * 100_001, '{"base": "best", "set": {}}'))
        code, answers = lines("tell", "run", "--service", url, given=given)
        assert (code, [each["line"] for each in answers]) == (1, [1, 2, 3])
        assert all("refused" in each for each in answers)
        assert evo_nas_command("tell", "run", "--service", url, "--name", "a b").exit_code == 2
        assert Client(url).run("run").ask(since=12)[-1]["kind"] == "wanted"
