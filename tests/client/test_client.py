"""A service from Python: what is asked comes back typed, and what is wrong is said as it would be here."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import requests
import yaml

import evo_nas
from evo_nas.client import Client, ServiceError
from evo_nas.client.asking import unpacked
from evo_nas.errors import ChampionError, ConfigError, DataError, EvoNasError, ExecutionError
from evo_nas.server.reading_apart import LIMIT_S
from tests.served import options, rows, serving, settings


def test_it_is_a_name_of_the_package() -> None:
    assert evo_nas.Client is Client


def test_runs_are_listed_and_filtered(client: Client) -> None:
    listed = {each.name: each for each in client.runs()}
    assert listed.keys() == {"judged", "open"}
    assert listed["judged"].evaluated == 6
    assert [each.name for each in client.runs(q="jud")] == ["judged"]


def test_a_run_has_its_configuration_and_its_verdict(client: Client) -> None:
    detail = client.run("judged").detail()
    assert detail.config["task"]["kind"] == "classification"
    assert detail.verdict is not None
    assert detail.verdict.evaluations == 6


def test_a_champion_is_asked_and_exported(client: Client, tmp_path: Path) -> None:
    run = client.run("judged")
    champion = run.champion()
    assert champion.verdict is not None
    assert champion.sentence == champion.verdict.sentence
    assert champion.example is not None
    assert run.predict(**champion.example).rows[0]["prediction"] in {"up", "down"}
    exported = run.export("native", tmp_path / "champion")
    assert exported.is_checked
    assert evo_nas.load_champion(tmp_path / "champion").preparation is not None
    with pytest.raises(ChampionError, match="not an empty directory"):
        run.export("native", tmp_path / "champion")


def test_evaluations_are_a_table(client: Client, root: Path) -> None:
    kept = evo_nas.load_run(root / "judged")
    table = client.run("judged").evaluations()
    assert table["id"].to_pylist() == kept["id"].to_pylist()
    assert table["fitness"].to_pylist() == kept["fitness"].to_pylist()
    chosen = client.run("judged").evaluations(columns=["seq", "value"], after=3, status="ok")
    assert chosen.column_names == ["seq", "value"]
    assert all(seq > 3 for seq in chosen["seq"].to_pylist())


def test_a_file_is_sent_to_be_predicted(client: Client, tmp_path: Path) -> None:
    rows().to_csv(tmp_path / "new.csv", index=False)
    said = client.run("judged").predict_file(tmp_path / "new.csv", score=True)
    assert len(said.rows) == 60
    assert said.score is not None
    assert said.score.startswith("accuracy")


def test_a_report_is_written(client: Client, tmp_path: Path) -> None:
    pytest.importorskip("vl_convert", reason="vl-convert-python draws the figures")
    page, *figures = client.run("open").report(
        tmp_path / "deep" / "report.html", figures=tmp_path / "figures"
    )
    assert page.read_text().startswith("<!doctype html>")
    assert tmp_path / "figures" / "best-by-evaluations.png" in figures
    assert all(path.stat().st_size for path in figures)


def test_errors_are_those_of_this_machine_with_the_text_of_the_service(client: Client) -> None:
    with pytest.raises(DataError, match="no column 'b'"):
        client.run("judged").predict(rows=[{"a": 1.0}])
    with pytest.raises(ServiceError, match="does not exist") as raised:
        client.run("nowhere").champion()
    assert raised.value.status == 404
    with pytest.raises(ChampionError, match="does not take --int8"):
        client.run("judged").export("native", "never", int8=True)


@pytest.mark.parametrize(
    ("ask", "error", "said"),
    [
        (
            lambda client: client.run("open").explanation(candidate=99),
            ServiceError,
            "no result of candidate 99",
        ),
        (
            lambda client: client.run("open").explanation(candidate=1, sample=True),
            ConfigError,
            "beside a cand",
        ),
        (lambda client: client.run("open").explanation(sample=True), ChampionError, "keeps no champion yet"),
        (lambda client: client.run("open").replay(["seed=3"]), ConfigError, "cannot be replayed"),
        (lambda client: client.run("open").finalists(count=0), ConfigError, "count: Input should be"),
        (lambda client: client.compare(["judged"]), ConfigError, "give at least 2"),
        (lambda client: client.compare(["judged", "open"]), ChampionError, "has no verdict"),
        (lambda client: client.portfolio(["judged"], "never.json"), ConfigError, "from two runs at least"),
        (lambda client: client.run("nowhere").verify(), ServiceError, "does not exist"),
    ],
)
def test_a_wrong_question_about_runs_raises_what_it_raises_here(
    client: Client, ask: Callable[[Client], object], error: type[EvoNasError], said: str
) -> None:
    with pytest.raises(error, match=said) as raised:
        ask(client)
    assert type(raised.value) is error
    if isinstance(raised.value, ServiceError):
        assert raised.value.status == 404


def test_a_token_is_shown_and_asked_for(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    token = "a-token-of-tests-alone"
    monkeypatch.delenv("EVO_NAS_TOKEN", raising=False)
    with serving(options(root, token=token)) as url:
        with pytest.raises(ServiceError, match="--token-file or EVO_NAS_TOKEN"):
            Client(url).runs()
        assert len(Client(url, token).runs()) == 2
        monkeypatch.setenv("EVO_NAS_TOKEN", token)
        assert len(Client(url).runs()) == 2


@pytest.mark.parametrize("token", ["two words", "two\nlines", "pässword"])
def test_what_can_be_no_token_is_refused_without_being_repeated(token: str) -> None:
    with pytest.raises(ConfigError, match="the token has blanks, line breaks or characters beyond") as raised:
        Client("http://127.0.0.1:9", token)
    assert token not in str(raised.value)


def test_a_token_may_end_with_the_line_break_of_its_file(root: Path) -> None:
    token = "a-token-of-tests-alone"
    with serving(options(root, token=token)) as url:
        assert Client(url, f"{token}\n").runs()


def test_a_directory_of_data_is_sent_where_it_was_named(client: Client, root: Path, tmp_path: Path) -> None:
    folder = root.parent / "data" / "below"
    folder.mkdir(exist_ok=True)
    (folder / "rows.csv").write_bytes((root.parent / "data" / "rows.csv").read_bytes())
    file = tmp_path / "mine.yaml"
    values = settings(Path("rows.csv"), strategy={"kind": "random"})
    for base, permitted in ((None, True), ("../data", True), (str(folder), True), ("/etc", False)):
        file.write_text(yaml.safe_dump(values | ({} if base is None else {"base_dir": base})))
        if permitted:
            assert client.look(file)["fields"]["features"]
        else:
            with pytest.raises(ConfigError, match="base_dir is /etc; must lie under"):
                client.look(file)
    (folder / "rows.csv").unlink()
    file.write_text(yaml.safe_dump(values | {"base_dir": str(folder)}))
    with pytest.raises(DataError, match="below/rows.csv cannot be read"):
        client.look(file)


def test_what_is_no_service_is_said() -> None:
    with pytest.raises(ExecutionError, match="no service answers at http://127.0.0.1:9"):
        Client("http://127.0.0.1:9").runs()
    with pytest.raises(ConfigError, match="must be a URL"):
        Client("127.0.0.1:8765")


def test_a_zip_cannot_write_outside_of_its_folder(tmp_path: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("run-native/model.json", json.dumps({}))
        archive.writestr("run-native/../../evil.txt", json.dumps({}))
    with pytest.raises(ExecutionError, match="outside of the export; nothing is written"):
        unpacked(packed.getvalue(), tmp_path / "inside")
    assert not list(tmp_path.iterdir())


def test_what_a_service_makes_in_a_process_of_its_own_is_waited_for_as_long_as_that_may_take(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    waited_s = []

    def lost(*_: object, timeout: tuple[float, float], **__: object) -> None:
        waited_s.append(timeout[1])
        raise requests.ConnectionError("it is away")

    monkeypatch.setattr(requests.Session, "request", lost)
    client = Client("http://127.0.0.1:9")
    run = client.run("one")
    portfolio = partial(client.portfolio, ["one", "two"], tmp_path / "portfolio.json")
    for ask in (run.verify, run.replay, run.finalists, run.explanation, portfolio):
        with pytest.raises(ExecutionError, match="it is away"):
            ask()
    assert len(waited_s) == 5
    assert min(waited_s) > LIMIT_S
